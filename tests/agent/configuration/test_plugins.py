import inspect
from typing import get_args

import pytest

from agent.configuration import plugins

PARTS = {"webhook": "parse", "inspection": "Inspect", "notifier": "Notify", "strategy": "Join"}


@pytest.mark.parametrize(("kind", "name"), list(plugins.every()))
def test_every_plugin_loads_and_has_what_its_kind_needs(kind: str, name: str) -> None:
    module = plugins.load(kind, name)
    assert callable(getattr(module, PARTS[kind]))


@pytest.mark.parametrize(("kind", "name"), [p for p in plugins.every() if p[0] in ("inspection", "notifier")])
def test_the_type_of_a_config_is_the_name_of_its_file(kind: str, name: str) -> None:
    assert get_args(plugins.load(kind, name).Config.model_fields["type"].annotation) == (name,)


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        pytest.param("webhook", "alertmanger", "did you mean 'alertmanager'?", id="near"),
        pytest.param("inspection", "zzz", "known: disk, heartbeat, http", id="nothing near lists all"),
        pytest.param("strategy", "labels.os", "did you mean 'labels'?", id="no dotted path"),
        pytest.param("strategy", "../labels", "did you mean 'labels'?", id="no path"),
        pytest.param("webhook", "__init__", "unknown type '__init__'", id="not the folder itself"),
    ],
)
def test_an_unknown_type_says_what_there_is(kind: str, name: str, text: str) -> None:
    with pytest.raises(plugins.UnknownPlugin) as caught:
        plugins.load(kind, name)
    assert text in str(caught.value)


def test_the_short_names_load_by_kind() -> None:
    assert inspect.ismodule(plugins.webhook("alertmanager"))
    assert inspect.ismodule(plugins.inspection("disk"))
    assert inspect.ismodule(plugins.strategy("labels"))
