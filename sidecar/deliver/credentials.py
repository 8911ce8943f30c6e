"""The `Authorization` header, from what the configuration says."""

from base64 import b64encode

from pydantic import SecretStr

from sidecar.deliver.config import BasicAuthConfig
from sidecar.runtime.secret import SecretFiles


async def authorization(
    files: SecretFiles,
    basic_auth: BasicAuthConfig | None,
    bearer_token: SecretStr | None,
    bearer_token_file: str | None,
) -> dict[str, str]:
    """Return the header by the one that is given, none if none is; raise TargetError if a file cannot be read.

    Secrets are read from their files anew.
    """
    if basic_auth is not None:
        return {"Authorization": await _basic(files, basic_auth)}
    if bearer_token is not None:
        return {"Authorization": f"Bearer {bearer_token.get_secret_value()}"}
    if bearer_token_file is not None:
        return {"Authorization": f"Bearer {await files.read(bearer_token_file)}"}
    return {}


async def _basic(files: SecretFiles, config: BasicAuthConfig) -> str:
    if config.password is not None:
        password = config.password.get_secret_value()
    else:
        assert config.password_file is not None
        password = await files.read(config.password_file)
    return f"Basic {b64encode(f'{config.username}:{password}'.encode()).decode()}"
