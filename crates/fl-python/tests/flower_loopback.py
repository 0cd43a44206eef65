"""A federation of real processes on this machine: TLS, node authentication, a SuperLink and SuperNodes."""

import datetime
import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

APP = Path(__file__).parents[3] / "examples" / "flower"
OFF = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "RAY_USAGE_STATS_ENABLED": "0"}
PROGRAMS = Path(sys.executable).parent


def environment(home: Path) -> dict[str, str]:
    """That of all programs: nothing is sent anywhere, and the state is in a folder of the test's."""
    home.mkdir(parents=True, exist_ok=True)
    path = f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, **OFF, "FLWR_HOME": str(home), "PATH": path, "RAYON_NUM_THREADS": "1"}


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def certificates(folder: Path) -> None:
    """An authority, and the server's certificate for 127.0.0.1."""
    now = datetime.datetime.now(datetime.UTC)

    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def certificate(subject, key, issuer, signer, is_authority):
        made = (
            x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if not is_authority:
            names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        else:
            usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
            made = made.add_extension(usage, critical=True)
        return made.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority, server = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
    (folder / "ca.crt").write_bytes(certificate("authority", authority, "authority", authority, True))
    (folder / "server.pem").write_bytes(certificate("localhost", server, "authority", authority, False))
    (folder / "server.key").write_bytes(private(server, serialization.PrivateFormat.PKCS8))


def private(key, form):
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def node_key(folder: Path, name: str) -> None:
    """A SuperNode's keys, as ssh-keygen -t ecdsa writes them."""
    key = ec.generate_private_key(ec.SECP384R1())
    (folder / name).write_bytes(private(key, serialization.PrivateFormat.OpenSSH))
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    (folder / f"{name}.pub").write_bytes(public + b"\n")


class Loopback:
    """A SuperLink with TLS and node authentication, and SuperNodes, each a process group that ends with this object."""

    def __init__(self, folder: Path, nodes: int):
        self.folder, self.nodes = folder, nodes
        self.env = environment(folder / "home")
        self.ports = free_ports(1 + nodes)
        self.running: dict[str, subprocess.Popen] = {}
        certificates(folder)
        (folder / "home" / "config.toml").write_text(
            f'[superlink]\ndefault = "tls"\n\n[superlink.tls]\naddress = "127.0.0.1:{self.ports[0]}"\n'
            f'root-certificates = "{folder / "ca.crt"}"\n'
        )

    def __enter__(self):
        self.start("superlink", [
            "flower-superlink", "--ssl-certfile", "server.pem", "--ssl-keyfile", "server.key", "--ssl-ca-certfile", "ca.crt",
            "--enable-supernode-auth", "--disable-runtime-dependency-installation", "--host", "127.0.0.1",
            "--port", str(self.ports[0]),
        ])
        self.wait_for_port(self.ports[0])
        for node in range(self.nodes):
            node_key(self.folder, f"node-{node}")
            self.flwr("supernode", "register", str(self.folder / f"node-{node}.pub"), "tls")
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.running)):
            self.kill(name)

    def start(self, name: str, command: list[str], **env: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.running[name] = subprocess.Popen(
            [str(PROGRAMS / command[0]), *command[1:]], cwd=self.folder, env={**self.env, **env}, stdout=log, stderr=log,
            start_new_session=True,
        )

    def node(self, node: int, **config: object) -> None:
        """Starts a SuperNode."""
        config = {"partition-id": node, "num-partitions": self.nodes, **{k.replace("_", "-"): v for k, v in config.items()}}
        told = " ".join(f"{key}={value!r}" if isinstance(value, str) else f"{key}={value}" for key, value in config.items())
        self.start(f"node-{node}", [
            "flower-supernode", "--root-certificates", "ca.crt", "--superlink", f"127.0.0.1:{self.ports[0]}",
            "--port", str(self.ports[1 + node]), "--auth-supernode-private-key", f"node-{node}", "--node-config", told,
        ])

    def revive(self, node: int, **config: object) -> None:
        """Starts a SuperNode again if it has ended, as a service manager does.

        Until the SuperLink has noticed that the process before is gone, which takes a minute, it refuses the next one.
        """
        process = self.running.get(f"node-{node}")
        if process is None or process.poll() is not None:
            if process is not None:
                self.kill(f"node-{node}")
            self.node(node, **config)

    def kill(self, name: str) -> None:
        """Ends a process and its children at once, as a power failure does."""
        process = self.running.pop(name)
        for sign in (signal.SIGKILL,):
            try:
                os.killpg(process.pid, sign)
            except ProcessLookupError:
                pass
        process.wait(timeout=20)

    def flwr(self, *args: str, timeout: float = 600) -> str:
        done = subprocess.run(
            [str(PROGRAMS / "flwr"), *args], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=timeout,
        )
        assert done.returncode == 0, f"flwr {' '.join(args)}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def wait_for_port(self, port: int) -> None:
        end = time.monotonic() + 300
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.2)
        raise TimeoutError(f"nobody listens on port {port}: {self.log('superlink')}")

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def run(self, **config: object) -> None:
        """Submits the example as a run."""
        settings = {"out": str(self.folder / "runs"), **{k.replace("_", "-"): v for k, v in config.items()}}
        told = " ".join(f'{key}="{value}"' if isinstance(value, str) else f"{key}={value}" for key, value in settings.items())
        app = self.folder / "app"
        if not app.exists():
            shutil.copytree(APP, app, ignore=shutil.ignore_patterns("runs", "__pycache__"))
        self.flwr("run", str(app), "tls", "-c", told)

    def status(self) -> str:
        """Of the last run, as finished:completed."""
        said = self.flwr("list", "tls", "--format", "json")
        runs = json.loads(said[said.index("{"):])["runs"]
        return max(runs, key=lambda run: run["submitted-at" if "submitted-at" in run else "run-id"])["status"]

    def has_ended(self) -> bool:
        """Whether the server's process has; the log says it, which costs nothing to read."""
        return "Finished task" in self.log("superlink")

    def rounds(self) -> list[dict]:
        """The lines of nodes.jsonl so far."""
        found = list((self.folder / "runs").glob("*/*/nodes.jsonl"))
        return [json.loads(line) for line in found[0].read_text().splitlines()] if found else []

    def wait(self, done, seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if done():
                return
            time.sleep(0.5)
        raise TimeoutError(f"{what} took longer than {seconds} s\n{self.log('superlink')[-4000:]}")


def told(log: str) -> str:
    """A log without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", log)
