"""What https is spoken with to an Alertmanager."""

import ssl
from functools import partial

from sidecar.deliver.alertmanager.config import AlertmanagerTlsConfig
from sidecar.runtime.threads.purposes import FILES
from sidecar.runtime.tls import MadeFromFiles, client_context


class AlertmanagerTls:
    """Made anew when one of the files was replaced, which is looked at for each request."""

    def __init__(self, config: AlertmanagerTlsConfig) -> None:
        self._config = config
        self._made = MadeFromFiles[ssl.SSLContext]()
        self._paths = [path for path in (config.ca_file, config.certificate_file, config.key_file) if path]

    async def context(self) -> ssl.SSLContext:
        """Return it; raise TargetError if a file cannot be used."""
        return await FILES.run(partial(self._made.current, self._paths, self._make), source=self)

    def _make(self) -> ssl.SSLContext:
        config = self._config
        context = client_context(config.ca_file, config.certificate_file, config.key_file)
        if config.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
