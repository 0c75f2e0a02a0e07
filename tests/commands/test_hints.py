"""Which options help: said by a command that has them, never by another."""

import re

import pytest
from typer.main import get_command

from core.cli import app
from core.commands.hints import HINTS, hint
from core.errors import PCVOSError

OPTIONS = {
    name: {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    for name, command in get_command(app).commands.items()
}


@pytest.mark.parametrize("code", HINTS)
def test_every_hint_is_some_commands(code: str):
    for known in HINTS[code]:
        named = set(re.findall(r"--[a-z][a-z-]*", known))
        assert any(named <= options for options in OPTIONS.values()), known


@pytest.mark.parametrize(
    ("code", "command", "said"),
    [
        ("numbering", "propagate", "--mask-numbers from-0 or from-1"),
        ("numbering", "import", "--answer 'numbers=…'"),
        ("numbering", "new", "--answer 'numbers=…'"),
        ("no frame", "propagate", "--mask-frame"),
        ("no frame", "new", "--option frame=N"),
        ("all absent", "import", ""),
        ("weights", "info", ""),
    ],
)
def test_a_command_names_its_own_options(code: str, command: str, said: str):
    found = hint(PCVOSError("What is wrong.", code, answers="from-0 or from-1"), OPTIONS[command])
    assert said in found and bool(said) == bool(found)


def test_what_no_hint_is_known_for_stands_alone():
    assert hint(PCVOSError("What is wrong."), OPTIONS["propagate"]) == ""
