"""Texts about the sidecar's own work lose what it was configured with."""

from sidecar.redaction.own_secrets import OwnSecrets


def test_secrets_are_hidden_wherever_they_stand_and_however_they_are_written() -> None:
    subject = OwnSecrets(["hunter2", "hunter2/x", ""])
    assert subject.text("no hunter2 in hunter2%2Fx or hunter2/x") == "no *** in *** or ***"


def test_what_looks_like_a_credential_is_hidden_without_being_known() -> None:
    assert OwnSecrets().text("postgresql://app:hunter2@db/shop is away") == "postgresql://***@db/shop is away"
