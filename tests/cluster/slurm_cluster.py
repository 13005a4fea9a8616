"""A SLURM of one node on 127.0.0.1, with a key of its own: munged, slurmctld and slurmd."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from waiting import until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
CONF = """\
ClusterName=ablate
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
MpiDefault=none
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=5
DefMemPerCPU=2000
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=8200 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=cpu Nodes=ALL MaxTime=INFINITE State=UP
"""


def missing_program() -> str | None:
    """Return a program of SLURM that is not installed, None where all are."""
    return next((name for name in PROGRAMS if not shutil.which(name, path=_PATH)), None)


class Slurm:
    """The cluster; `environment` is what its commands need."""

    def __init__(self, folder: Path, ports: tuple[int, int]) -> None:
        self.folder = folder
        host = socket.gethostname().partition(".")[0]
        self._host = host
        for name in ("state", "spool"):
            (folder / name).mkdir()
        (folder / "slurm.conf").write_text(CONF.format(host=host, ports=ports, folder=folder))
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": _PATH}
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        socket_file = self.folder / "munge.socket"
        self._daemon(
            "munged", "--foreground", "--force",
            f"--key-file={self.folder}/munge.key", f"--socket={socket_file}",
            f"--pid-file={self.folder}/munged.pid", f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munge.seed",
        )  # fmt: skip
        until(socket_file.exists, "the socket of munged")
        self.start_controller()
        self._daemon("slurmd", "-D", "-N", self._host)
        until(lambda: "idle" in self.say("sinfo", "--noheader", "--format=%T"), "an idle node")

    def start_controller(self) -> None:
        self._daemon("slurmctld", "-D")

    def kill_controller(self) -> None:
        self._daemons["slurmctld"].kill()
        self._daemons["slurmctld"].wait()

    def say(self, *command: str) -> str:
        """Return what one of SLURM's commands prints."""
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60,
            env={**os.environ, **self.environment},
        )  # fmt: skip
        return done.stdout

    def stop(self) -> None:
        self.say("scancel", "--user=root")
        for name in ("slurmd", "slurmctld", "munged"):
            if name in self._daemons:
                self._daemons[name].send_signal(signal.SIGTERM)
        for daemon in self._daemons.values():
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _daemon(self, *command: str) -> None:
        log = (self.folder / f"{command[0]}.out").open("ab")
        self._daemons[command[0]] = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **self.environment}
        )
        log.close()
