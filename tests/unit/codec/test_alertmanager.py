"""The body that Alertmanager gets."""

import json

from sidecar.codec.alertmanager import encode_alerts
from sidecar.model.alert import Alert


def test_an_alert_has_the_fields_and_times_of_version_2_of_the_api() -> None:
    alert = Alert(
        {"alertname": "Down", "job": "größe"},
        {"summary": 'a "b"'},
        1_700_000_000_123,
        1_700_000_060_000,
        "http://x/g?a=1&b=2",
    )
    assert json.loads(encode_alerts([alert])) == [
        {
            "labels": {"alertname": "Down", "job": "größe"},
            "annotations": {"summary": 'a "b"'},
            "startsAt": "2023-11-14T22:13:20.123Z",
            "endsAt": "2023-11-14T22:14:20.000Z",
            "generatorURL": "http://x/g?a=1&b=2",
        }
    ]


def test_what_is_no_unicode_becomes_a_question_mark() -> None:
    (alert,) = json.loads(encode_alerts([Alert({"n": "a\ud800b"}, {"s": "\udfff é"}, 0, 0, "")]))
    assert (alert["labels"], alert["annotations"]) == ({"n": "a?b"}, {"s": "? é"})


def test_alerts_keep_their_order() -> None:
    alerts = [Alert({"n": str(number)}, {}, 0, 0, "") for number in range(3)]
    assert [item["labels"]["n"] for item in json.loads(encode_alerts(alerts))] == ["0", "1", "2"]
