"""The work behind the subcommands of `pcvos`, one file each; `core.cli` declares their options."""
