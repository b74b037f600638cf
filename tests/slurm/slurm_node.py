#!/usr/bin/env python3
"""A Slurm of one node, this one, in a folder of its own: munged, slurmctld and slurmd from the
distribution on the loopback interface, with their own key, sockets, ports and state. It needs no
root, no systemd and no cgroups, and what is configured for the machine is not touched.

By hand: slurm_node.py FOLDER starts it, says what to export, and ends it on Ctrl-C."""

import argparse
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel")
PACKAGES = "munge slurmctld slurmd slurm-client"
SYSTEM = ("/usr/sbin", "/sbin")

CONFIGURATION = """\
ClusterName=kpu
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MailProg={nothing}
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=10
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} CoresPerSocket={cpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class CannotStart(Exception):
    pass


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def search_path():
    return os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM])


class SlurmNode:
    """With it as a context manager: `environment` is for the commands of Slurm."""

    def __init__(self, folder, cpus=4):
        self.folder, self.cpus = os.path.abspath(folder), cpus
        self.daemons = []
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("SLURM", "SBATCH", "OMPI", "PMI"))}
        self.environment.update(SLURM_CONF=self.path("slurm.conf"), PATH=search_path())

    def path(self, name):
        return os.path.join(self.folder, name)

    def __enter__(self):
        missing = [name for name in PROGRAMS if not shutil.which(name, path=search_path())]
        if missing:
            raise CannotStart("no %s; Debian has them in %s" % (", ".join(missing), PACKAGES))
        try:
            self.configure()
            # --force: all is for this user alone, and others need not get at the socket
            self.launch("munged", "--foreground", "--force", "--key-file=" + self.path("munge.key"),
                        "--socket=" + self.path("munge.socket"),
                        "--pid-file=" + self.path("munged.pid"),
                        "--log-file=" + self.path("munged.log"),
                        "--seed-file=" + self.path("munge.seed"))
            self.wait_for("munged", lambda: os.path.exists(self.path("munge.socket")))
            self.launch("slurmctld", "-D", "-i", "-f", self.path("slurm.conf"))
            self.wait_for("slurmctld", lambda: "UP" in self.call("scontrol", "ping"))
            self.launch("slurmd", "-D", "-f", self.path("slurm.conf"), "-N", self.host)
            self.wait_for("slurmd", lambda: "idle" in self.call("sinfo", "-h", "-o", "%t").split())
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def configure(self):
        self.host = socket.gethostname().split(".")[0]
        os.makedirs(self.folder, exist_ok=True)
        os.makedirs(self.path("state"))
        os.makedirs(self.path("spool"))
        with open(os.open(self.path("munge.key"), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as key:
            key.write(os.urandom(128))
        controller_port, node_port = free_ports(2)
        with open(self.path("slurm.conf"), "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(
                host=self.host, folder=self.folder, cpus=self.cpus, nothing=shutil.which("true"),
                user=pwd.getpwuid(os.geteuid()).pw_name, controller_port=controller_port,
                node_port=node_port))

    def launch(self, name, *arguments):
        with open(self.path(name + ".out"), "wb") as output:
            self.daemons.append((name, subprocess.Popen(
                [name, *arguments], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=self.environment, cwd=self.folder)))

    def told(self, name):
        text = ""
        for ending in (".out", ".log"):
            if os.path.exists(self.path(name + ending)):
                with open(self.path(name + ending), encoding="utf-8", errors="replace") as file:
                    text += "".join(file.readlines()[-8:])
        return text.strip()

    def wait_for(self, name, is_there, limit_s=30):
        """Until the daemon that was launched last does what it should."""
        process = self.daemons[-1][1]
        end = time.monotonic() + limit_s
        while not is_there():
            if process.poll() is not None or time.monotonic() > end:
                raise CannotStart("%s does not run here:\n%s" % (name, self.told(name)))
            time.sleep(0.2)

    def call(self, *command):
        """What it prints, complaints too."""
        return subprocess.run(command, env=self.environment, cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, check=False).stdout

    def stop(self):
        if len(self.daemons) == 3:
            for job in self.call("squeue", "-h", "-o", "%A").split():
                self.call("scancel", "--signal=KILL", "--full", job)
                self.call("scancel", job)
            end = time.monotonic() + 15
            while self.call("squeue", "-h").strip() and time.monotonic() < end:
                time.sleep(0.2)
        for _, process in reversed(self.daemons):
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.daemons = []


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="new or empty")
    parser.add_argument("--cpus", type=int, default=4, help="that it says it has (4)")
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    try:
        with SlurmNode(arguments.folder, arguments.cpus) as node:
            print("export SLURM_CONF=" + node.path("slurm.conf"), flush=True)
            signal.pause()
    except CannotStart as reason:
        print("error: %s" % reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
