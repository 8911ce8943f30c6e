"""Servers that speak TLS, and the throw-away authority that signs for them."""

import shutil
import subprocess
from pathlib import Path

import pytest
from typing_extensions import override

from sidecar.demo.servers import HOST, PostgresServer, ValkeyServer
from tests.servers import free_port

PASSWORD_ONLY = "hostssl all all 127.0.0.1/32 scram-sha-256\n"
PASSWORD_AND_CERTIFICATE = "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n"


class Authority:
    """A certificate authority with a certificate for a server on 127.0.0.1 and one for the client `postgres`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.ca = directory / "ca.crt"
        self.client, self.client_key = directory / "client.crt", directory / "client.key"
        self.server, self.server_key = directory / "server.crt", directory / "server.key"
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        self._certify("ca", "throw-away authority")
        self._certify("server", HOST, f"subjectAltName=IP:{HOST}")
        self._certify("client", "postgres", "extendedKeyUsage=clientAuth")

    def _certify(self, name: str, common_name: str, extension: str = "") -> None:
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]
        command += ["-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={common_name}", "-days", "2"]
        if extension:
            command += [
                "-CA",
                "ca.crt",
                "-CAkey",
                "ca.key",
                "-addext",
                extension,
                "-addext",
                "basicConstraints=CA:FALSE",
            ]
        subprocess.run(command, cwd=self._directory, check=True, capture_output=True)


class TlsPostgres(PostgresServer):
    """Postgres that takes TLS only, and with `client_certificates` nobody without one of `authority`."""

    def __init__(self, bin_dir: Path, authority: Authority, client_certificates: bool = False) -> None:
        files = {"ssl_ca_file": "ca.crt", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
        super().__init__(bin_dir, {"ssl": "on", **files})
        self._authority = authority
        self._client_certificates = client_certificates

    @property
    def verified_dsn(self) -> str:
        """URL that checks the server's certificate and name, and shows a certificate where one is asked for."""
        authority = self._authority
        dsn = f"{self.dsn}?sslmode=verify-full&sslrootcert={authority.ca}"
        own = f"&sslcert={authority.client}&sslkey={authority.client_key}"
        return dsn + (own if self._client_certificates else "")

    @override
    def _create(self) -> None:
        super()._create()
        for path in (self._authority.ca, self._authority.server, self._authority.server_key):
            self._put(f"data/{path.name}", path.read_text())
        self._put("data/pg_hba.conf", PASSWORD_AND_CERTIFICATE if self._client_certificates else PASSWORD_ONLY)


class TlsRedis(ValkeyServer):
    """Redis with a second port for TLS; with `client_certificates` that one asks for a certificate of `authority`."""

    def __init__(self, binary: Path, authority: Authority, client_certificates: bool = False) -> None:
        self.tls_port = free_port()
        super().__init__(binary, ["--tls-auth-clients", "yes" if client_certificates else "no"])
        self._authority = authority

    @property
    def tls_url(self) -> str:
        """URL of database 0 over TLS; the certificates are up to the client."""
        return f"rediss://{self.host}:{self.tls_port}/0"

    @override
    def _create(self) -> None:
        for path in (self._authority.ca, self._authority.server, self._authority.server_key):
            self._put(path.name, path.read_text())

    @override
    def _command(self) -> list[str]:
        files = ["--tls-ca-cert-file", "ca.crt", "--tls-cert-file", "server.crt", "--tls-key-file", "server.key"]
        return [*super()._command(), "--tls-port", str(self.tls_port), *files]
