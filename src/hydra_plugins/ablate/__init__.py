"""The shim that Hydra demands of a sweeper; all real code is in `ablate`."""
