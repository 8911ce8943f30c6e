"""The `Authorization` header, from what the configuration says."""

import asyncio
from base64 import b64encode
from pathlib import Path

from sidecar.deliver.config import AlertmanagerConfig, BasicAuthConfig
from sidecar.model.errors import TargetError


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


async def read_secret(path: str) -> str:
    """Return the file's text without white space around it; raise TargetError if it cannot be read."""
    try:
        return (await asyncio.to_thread(Path(path).read_text, encoding="utf-8")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TargetError(f"cannot read `{path}`: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
