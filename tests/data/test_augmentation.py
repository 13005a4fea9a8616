"""Augmentation: what each operation does to an image, and what its random numbers depend on."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from ablate.config.augment import Augment
from ablate.data.augment_check import check_augment
from ablate.data.augmentation import Mix, augment, mixed, mixup, samples
from ablate.data.geometry import warp
from ablate.data.views import offsets, shifted, view_count, views
from ablate.errors import ConfigError
from ablate.streams import Streams

SETTINGS = {
    "random flip": {"flip": "random"},
    "alternating flip": {"flip": "alternating"},
    "crop": {"crop": 2},
    "brightness": {"brightness": 0.3},
    "contrast": {"contrast": 0.5},
    "rotation": {"rotation": 30.0},
    "translate": {"translate": 0.2},
    "zoom": {"zoom": 0.3},
    "shear": {"shear": 20.0},
    "lens": {"lens": 0.3},
    "noise": {"noise": 0.2},
    "cutout": {"cutout": 5},
    "all": {"flip": "random", "crop": 2, "brightness": 0.1, "contrast": 0.2, "rotation": 10.0,
            "translate": 0.1, "zoom": 0.1, "shear": 5.0, "lens": 0.1, "noise": 0.1, "cutout": 4},
}  # fmt: skip


def images(replicates: int = 1, batch: int = 33, channels: int = 1, side: int = 12) -> Tensor:
    """Return images that differ between examples but not between replicates."""
    generator = torch.Generator().manual_seed(0)
    one = torch.rand(1, batch, channels, side, side, generator=generator)
    return one.repeat(replicates, 1, 1, 1, 1)


def apply(config: Augment, x: Tensor, replicates=(0,), epoch=0, step=0, bounded=True) -> Tensor:
    streams = [Streams(7, r) for r in replicates]
    indices = torch.arange(x.shape[1]).expand(len(x), -1)
    return augment(config, streams, 100, bounded, x, indices, epoch, step)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_type_and_range_are_kept(name: str, channels: int) -> None:
    x = images(channels=channels)
    before = x.clone()
    y = apply(Augment(**SETTINGS[name]), x)
    assert y.shape == x.shape
    assert y.dtype == torch.float32
    assert float(y.min()) >= 0
    assert float(y.max()) <= 1
    assert torch.equal(x, before)  # the input itself is not written to
    assert not torch.equal(x, y)


def test_nothing_on_changes_nothing() -> None:
    x = images()
    assert torch.equal(apply(Augment(), x), x)
    assert not Augment(test_crops=9, test_flip=True).changes_training


@settings(max_examples=30, deadline=None)
@given(
    st.builds(
        Augment,
        flip=st.sampled_from(["none", "random", "alternating"]), crop=st.integers(0, 5),
        brightness=st.floats(0, 1), contrast=st.floats(0, 1), rotation=st.floats(0, 180),
        translate=st.floats(0, 0.9), zoom=st.floats(0, 0.9), shear=st.floats(0, 60),
        lens=st.floats(0, 1), noise=st.floats(0, 1), cutout=st.integers(0, 11),
    ),
    st.integers(0, 50), st.integers(0, 1000),
)  # fmt: skip
def test_any_settings_keep_shape_and_range(config: Augment, epoch: int, step: int) -> None:
    y = apply(config, images(batch=3), epoch=epoch, step=step)
    assert y.shape == (1, 3, 1, 12, 12)
    assert bool(torch.isfinite(y).all())
    assert 0 <= float(y.min()) <= float(y.max()) <= 1


@pytest.mark.parametrize("name", SETTINGS)
def test_a_replicate_has_the_same_bits_alone_and_in_any_stack(name: str) -> None:
    config = Augment(**SETTINGS[name])
    alone = apply(config, images(), replicates=[2])
    for stack in ([0, 2, 1], list(range(8))):
        together = apply(config, images(len(stack)), replicates=stack)
        assert torch.equal(together[stack.index(2)], alone[0])
        assert not torch.equal(together[0], together[1]) or name == "alternating flip"


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "alternating flip"])
def test_steps_differ_and_repeat(name: str) -> None:
    config = Augment(**SETTINGS[name])
    assert torch.equal(apply(config, images(), step=3), apply(config, images(), step=3))
    assert not torch.equal(apply(config, images(), step=3), apply(config, images(), step=4))


def test_another_operation_moves_no_draws() -> None:
    """Flips are the same images flipped, whether or not noise is drawn as well."""
    flipped = apply(Augment(flip="random"), images())
    with_cutout = apply(Augment(flip="random", cutout=3), images())
    kept = with_cutout != 0
    assert torch.equal(with_cutout[kept], flipped[kept])


def flips(y: Tensor, x: Tensor) -> Tensor:
    mirrored = (y == x.flip(-1)).flatten(2).all(dim=2)
    assert bool((mirrored | (y == x).flatten(2).all(dim=2)).all())
    return mirrored[0]


def test_random_flips_are_half() -> None:
    x = images(batch=2000, side=4)
    shares = [float(flips(augment(Augment(flip="random"), [Streams(0, 0)], 1, True,
              x, torch.zeros(1, 2000, dtype=int), 0, step), x).float().mean()) for step in range(3)]  # fmt: skip
    # 2,000 coins: five standard deviations are 0.056.
    assert all(abs(share - 0.5) < 0.056 for share in shares)


def test_alternating_flips_mirror_every_image_in_just_one_of_two_epochs() -> None:
    x, config = images(), Augment(flip="alternating")
    first, second, third = (flips(apply(config, x, epoch=e, step=9 * e), x) for e in range(3))
    assert torch.equal(first, ~second)
    assert torch.equal(first, third)
    assert 5 < int(first.sum()) < 28
    # It goes by the example, not by its place in the batch.
    order = torch.randperm(33, generator=torch.Generator().manual_seed(1))
    shuffled = augment(config, [Streams(7, 0)], 100, True, x[:, order], order[None], 0, 5)
    assert torch.equal(flips(shuffled, x[:, order]), first[order])


def test_a_crop_is_a_piece_of_the_padded_image() -> None:
    x = images(batch=60)
    y = apply(Augment(crop=2), x)
    padded = functional.pad(x, [2] * 4)
    places = []
    for b in range(60):
        found = [
            (r, c) for r in range(5) for c in range(5)
            if torch.equal(y[0, b], padded[0, b, :, r : r + 12, c : c + 12])
        ]  # fmt: skip
        assert len(found) == 1
        places += found
    assert len(set(places)) > 12  # of 25


def still(**changes: float) -> Tensor:
    names = ("rotation", "across", "down", "zoom", "shear", "lens")
    return torch.tensor([[[float(changes.get(name, 0))]] for name in names])


def test_warps_about_the_centre() -> None:
    x = images(batch=1)
    # Sampling positions are rounded in float32: 1e-5 of a pixel, times a contrast of 1.
    close = {"rtol": 0, "atol": 2e-5}
    torch.testing.assert_close(warp(x, still()), x, **close)
    torch.testing.assert_close(warp(x, still(rotation=90)), x.rot90(1, (-2, -1)), **close)
    torch.testing.assert_close(warp(x, still(rotation=180)), x.rot90(2, (-2, -1)), **close)
    moved = warp(x, still(across=1 / 12, down=-2 / 12))
    torch.testing.assert_close(moved[..., :-2, 1:], x[..., 2:, :-1], **close)
    assert not moved[..., -2:, :].any()


def dot(row: int, column: int, side: int = 41) -> Tensor:
    x = torch.zeros(1, 1, 1, side, side)
    x[..., row, column] = 1
    return functional.avg_pool2d(functional.pad(x[0], [1] * 4), 3, 1)[None]


def centre_of(x: Tensor) -> tuple[float, float]:
    weights = x[0, 0, 0] / x.sum()
    places = torch.arange(x.shape[-1], dtype=torch.float32)
    return float((weights.sum(1) * places).sum()), float((weights.sum(0) * places).sum())


@pytest.mark.parametrize(
    ("change", "row", "column"),
    [
        ({"zoom": 0.5}, 20 + 12 * 1.5, 20 - 6 * 1.5),
        ({"shear": 45}, 32, 14 - 12),
        # r -> r(1 + lens r^2) tells where a pixel comes from: what lay there moves inwards.
        ({"lens": 0.0}, 32, 14),
    ],
)
def test_where_a_dot_goes(change: dict, row: float, column: float) -> None:
    y, x = centre_of(warp(dot(32, 14), still(**change)))
    # A blurred dot under bilinear sampling: a third of a pixel.
    assert abs(y - row) < 0.34
    assert abs(x - column) < 0.34


def test_a_lens_moves_the_border_and_not_the_centre() -> None:
    inwards = centre_of(warp(dot(38, 20), still(lens=0.2)))
    outwards = centre_of(warp(dot(34, 20), still(lens=-0.2)))
    middle = centre_of(warp(dot(20, 20), still(lens=0.2)))
    assert inwards[0] < 37.5
    assert outwards[0] > 34.5
    assert abs(middle[0] - 20) < 0.05
    # The pixel at r receives what lay at r(1 + lens r^2), r in units of 20.5 pixels.
    r = (inwards[0] - 20) / 20.5
    assert r * (1 + 0.2 * r**2) * 20.5 == pytest.approx(18, abs=0.5)


def test_cutout_blacks_out_one_square() -> None:
    x = images(batch=200) * 0.5 + 0.5
    black = (apply(Augment(cutout=5), x) == 0)[0, :, 0]
    assert int(black.sum((1, 2)).max()) == 25
    assert int(black.sum((1, 2)).min()) >= 1  # it may hang over the border, its centre may not
    for mask in black:
        rows, columns = mask.any(1), mask.any(0)
        assert bool((mask == rows[:, None] & columns[None, :]).all())
        assert int(rows.sum()) <= 5


def test_brightness_contrast_and_noise_by_their_moments() -> None:
    x = torch.full((1, 400, 1, 8, 8), 0.5)
    shift = (apply(Augment(brightness=0.2), x) - x).flatten(2)
    assert float(shift.std(dim=2).max()) < 1e-6  # the same for all pixels of an image
    assert float(shift.abs().max()) <= 0.2 + 1e-6
    assert float(shift.mean(dim=2).std()) == pytest.approx(0.2 / 3**0.5, rel=0.1)
    noise = apply(Augment(noise=0.05), x) - x
    assert float(noise.std()) == pytest.approx(0.05, rel=0.02)
    assert abs(float(noise.mean())) < 0.002
    y = 0.3 + 0.4 * images(batch=400, side=8)
    contrasted = apply(Augment(contrast=0.3), y)
    torch.testing.assert_close(contrasted.mean((2, 3, 4)), y.mean((2, 3, 4)), rtol=0, atol=1e-5)
    factor = contrasted.std((2, 3, 4)) / y.std((2, 3, 4))
    assert 0.7 - 1e-4 <= float(factor.min()) < 0.75
    assert 1.25 < float(factor.max()) <= 1.3 + 1e-4


def test_values_without_bounds_are_not_clipped() -> None:
    x = 3 * torch.randn(1, 20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert float(apply(Augment(brightness=0.1), x, bounded=False).min()) < -3


def test_features_take_noise_only() -> None:
    x = torch.zeros(1, 500, 20)
    y = apply(Augment(noise=0.3), x, bounded=False)
    assert float(y.std()) == pytest.approx(0.3, rel=0.05)
    assert torch.equal(apply(Augment(), x), x)


def test_mixup_mixes_with_a_partner() -> None:
    config = Augment(mixup=0.4)
    streams = [Streams(0, r) for r in range(3)]
    x = torch.randn(3, 16, 5, generator=torch.Generator().manual_seed(0))
    mix = mixup(config, streams, 2, 16)
    y = mixed(x, mix)
    for r in range(3):
        assert sorted(mix.partner[r].tolist()) == list(range(16))
        share = float(mix.share[r])
        assert 0 <= share <= 1
        torch.testing.assert_close(y[r], share * x[r] + (1 - share) * x[r][mix.partner[r]])
    alone = mixup(config, streams[1:2], 2, 16)
    assert torch.equal(mixed(x[1:2], alone)[0], y[1])
    assert mixup(Augment(), streams, 2, 16) is None


def test_shares_of_mixup_are_beta() -> None:
    shares = np.array(
        [float(mixup(Augment(mixup=0.5), [Streams(0, 0)], s, 4).share) for s in range(2000)]
    )
    # Beta(a, a): mean 1/2, variance 1/(4 (2a + 1)) = 1/8; five standard errors of the mean.
    assert abs(shares.mean() - 0.5) < 5 * (0.125 / 2000) ** 0.5
    assert shares.var() == pytest.approx(0.125, rel=0.06)


def test_mixing_nothing_is_the_identity() -> None:
    x = torch.randn(1, 4, 3)
    mix = Mix(torch.tensor([[3, 2, 1, 0]]), torch.tensor([1.0]))
    assert torch.equal(mixed(x, mix), x)


def test_samples_for_a_contact_sheet_repeat() -> None:
    x = images()[0]
    config = Augment(rotation=20.0, mixup=0.5)
    assert torch.equal(samples(x, config, 0), samples(x, config, 0))
    assert not torch.equal(samples(x, config, 0), samples(x, config, 1))


@pytest.mark.parametrize("crops", [1, 5, 9, 25, 49, 81])
@pytest.mark.parametrize("mirrored", [False, True])
def test_views(crops: int, mirrored: bool) -> None:
    config = Augment(test_crops=crops, test_shift=4, test_flip=mirrored)
    x = images(batch=3, channels=2)
    fill = torch.full((1, 1, 2, 1, 1), -7.0)
    seen = list(views(config, x, fill))
    assert len(seen) == view_count(config) == crops * (1 + mirrored)
    assert torch.equal(seen[0], x)
    places = offsets(crops, 4)
    assert len(set(places)) == crops
    assert max(max(abs(a), abs(b)) for a, b in places) == (4 if crops > 1 else 0)
    if mirrored:
        for plain, mirror in zip(seen[::2], seen[1::2], strict=True):
            assert torch.equal(plain.flip(-1), mirror)


@pytest.mark.parametrize(("down", "across"), [(2, -3), (0, 1), (-1, 0), (-2, 2)])
def test_a_shift_moves_whole_pixels_and_fills_what_comes_in(down: int, across: int) -> None:
    x = images(batch=2)
    fill = torch.tensor(-1.0)
    y = shifted(x, down, across, fill)
    for row in range(12):
        for column in range(12):
            a, b = row - down, column - across
            inside = 0 <= a < 12 and 0 <= b < 12
            expected = x[..., a, b] if inside else torch.full_like(x[..., 0, 0], -1.0)
            assert torch.equal(y[..., row, column], expected)


@pytest.mark.parametrize(
    ("config", "inputs", "sentence"),
    [
        ({"flip": "random"}, (20,), "augment.flip needs images, but the data has examples of 20"),
        ({"test_crops": 9}, (20,), "augment.test_crops needs images"),
        ({"cutout": 8}, (1, 8, 8), "augment.cutout=8 is not allowed: the images are 8 x 8"),
        ({"crop": 30}, (3, 28, 28), "augment.crop=30 is not allowed"),
        ({"test_crops": 81}, (3, 28, 28), "at most 25 crops"),
        ({"test_crops": 9, "test_shift": 8}, (1, 8, 8), "augment.test_shift=8 is not allowed"),
    ],
)
def test_what_does_not_fit_is_refused(config: dict, inputs: tuple, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        check_augment(Augment(**config), inputs)


def test_what_fits_is_not_refused() -> None:
    check_augment(Augment(noise=0.1, mixup=0.2), (20,))
    check_augment(Augment(cutout=7, crop=4, test_crops=25), (1, 8, 8))
