"""The `Authorization` header, from what the configuration says."""

from base64 import b64encode

from sidecar.deliver.config import AlertmanagerConfig, BasicAuthConfig
from sidecar.runtime.secret import read_secret


async def authorization(config: AlertmanagerConfig) -> str | None:
    """Return the header's value, secrets from files read anew; raise TargetError if a file cannot be read."""
    if config.basic_auth is not None:
        return await _basic(config.basic_auth)
    if config.bearer_token is not None:
        return f"Bearer {config.bearer_token.get_secret_value()}"
    if config.bearer_token_file is not None:
        return f"Bearer {await read_secret(config.bearer_token_file)}"
    return None


async def _basic(config: BasicAuthConfig) -> str:
    if config.password is not None:
        password = config.password.get_secret_value()
    else:
        assert config.password_file is not None
        password = await read_secret(config.password_file)
    return f"Basic {b64encode(f'{config.username}:{password}'.encode()).decode()}"
