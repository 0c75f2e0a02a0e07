"""Settings of a propagation: one table.

A field of `PropagationSettings` is a row: its type, default, range, what it is called and what it does. The options of
the commands (`core.commands.setting_options`), the fields of the window's panel and what is checked are made of it.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

from core.errors import PCVOSError

PUBLISHED_PROGRESSIVE = 5
"""F of the published loop, frames (paper Sec. 4.1)."""

Direction = Literal["forward", "backward", "both"]
Precision = Literal["auto", "fp32", "fp16", "bf16"]


@dataclass(frozen=True)
class Setting:
    """A row of the table, beside the name, type and default that the dataclass has.

    Attributes:
        label: its name for people. help: what it does: the help of an option, and a tooltip.
        low, high: range of a number. off: a number outside of it that turns it off.
        choices: the values it can have, where they are few.
        metavar: what the command's help calls its value; "" where no command has it.
    """

    label: str
    help: str
    low: float = -float("inf")
    high: float = float("inf")
    off: float | None = None
    choices: tuple[str, ...] = ()
    metavar: str = ""


def setting(default: Any, label: str, help: str, **more: Any) -> Any:
    """A field of a dataclass of settings; `more` as in `Setting`."""
    return field(default=default, metadata={"setting": Setting(label, help, **more)})


def settings_table(settings: type) -> dict[str, Setting]:
    """The rows of a dataclass of settings, by name."""
    return {one.name: one.metadata["setting"] for one in fields(settings)}


def check_settings(settings: object) -> None:
    """Raise a PCVOSError if a value is not of its row's type, or out of its range."""
    for one in fields(settings):  # type: ignore[arg-type]  # any dataclass whose fields come from `setting`
        row, value = one.metadata["setting"], getattr(settings, one.name)
        if row.choices:
            if value not in row.choices:
                raise PCVOSError(f"{row.label} is {value}: choose {', '.join(row.choices[:-1])} or {row.choices[-1]}.")
        elif isinstance(one.default, bool):
            if not isinstance(value, bool):
                raise PCVOSError(f"{row.label} is {value}: choose true or false.")
        elif one.default is None or isinstance(one.default, int | float):
            _check_number(row, value, one.default, may_miss=isinstance(None, one.type))  # type: ignore[arg-type]


def _check_number(row: Setting, value: object, default: float | None, may_miss: bool) -> None:
    if (value is None and may_miss) or value == row.off:
        return
    kinds = int | float if isinstance(default, float) else int
    if isinstance(value, bool) or not isinstance(value, kinds) or not row.low <= value <= row.high:
        otherwise = "" if row.off is None else f", or {row.off:g} to turn it off"
        raise PCVOSError(f"{row.label} is {value}: choose a number from {row.low:g} to {row.high:g}{otherwise}.")


@dataclass(frozen=True)
class PropagationSettings:
    """Settings of a run; the paper's symbols in brackets.

    Attributes:
        interval: memory interval and clip length, frames [L, Sec. 3.1].
        progressive: within a clip, memory is augmented every so many frames [F, Sec. 3.5; 5 there].
        top_k: memory positions read per query [k, Sec. 4.1].
        memory_frames: most frames in working memory: the newest stay, older ones are thinned evenly.
        kernel: how near the place where a frame shows it best a memory position is read, standard deviation of a
            Gaussian in shorter sides of the frame; 0: anywhere, as in the paper (`core.network.matching.localised`).
            Narrower than 0.01, its exponents leave float32.
        resolution: shorter side the network sees, pixels; None: the footage's own.
        precision: "auto" is fp16 on CUDA, on a CPU what the network's `choices` say, fp32 elsewhere. Similarities and
            softmax are always fp32.
        keep_lost: draw and remember what is left of an object also where that is little, and likelier something else
            (`core.propagation.presence.is_present`).
        distractors: find what looks like an object on frames where it was marked, and follow that too, unseen, so that
            it is not taken for the object (`core.propagation.distractors`).
        refinement: the frames of a clip refine each other's readouts [Sec. 3.4]; off only to see what that changes.
        soft: also give each object's probability at the footage's size.
        exact: copy the published inference loop, quirks included: forward, fp32, nothing thinned or localised,
            nothing taken for something else, no distractors. F is as `progressive` says: the published one is
            PUBLISHED_PROGRESSIVE, which `pcvos propagate --exact` takes unless told otherwise.
        cache_bytes: most memory the frame features of earlier runs may take; None: 1 GiB on a CPU, a quarter of what is
            free on an accelerator.
    """

    interval: int = setting(
        5, "Memory interval", "Clip length and memory interval, in frames (L)", low=1, high=50, metavar="L"
    )
    progressive: int = setting(
        2,
        "Progressive matching",
        "Within a clip, every so many frames what was drawn helps with what follows (F); 0: off",
        low=1,
        high=50,
        off=0,
        metavar="F",
    )
    top_k: int = setting(
        20, "Top-k", "How many places in memory each place of a frame reads (k)", low=1, high=10_000, metavar="N"
    )
    memory_frames: int = setting(
        40,
        "Memory frames",
        "Most frames in working memory: the newest stay, older ones are thinned evenly",
        low=1,
        high=10_000,
        metavar="N",
    )
    kernel: float = setting(
        0.4,
        "Kernel of the matching",
        "How near to where a frame shows it best memory is read, in shorter sides of the frame; 0: anywhere",
        low=0.01,
        high=100,
        off=0,
        metavar="S",
    )
    resolution: int | None = setting(
        480,
        "Resolution",
        "Shorter side of what the network sees, in pixels, or native: smaller is faster",
        low=64,
        high=4320,
        metavar="SIZE",
    )
    precision: Precision = setting(
        "auto",
        "Precision",
        "Of the network's numbers: auto (fp16 on CUDA; elsewhere fp32, or bf16 on a CPU that is faster with it and "
        "draws the same), fp32, fp16 or bf16",
        choices=get_args(Precision),
        metavar="TYPE",
    )
    keep_lost: bool = setting(False, "Keep what is lost", "Draw what is likelier something else, too")
    distractors: bool = setting(
        True,
        "Look-alikes",
        "What looks like an object where you marked it is followed as well, unseen, so as not to be taken for it; off: "
        "where an object loses parts that it should have",
    )
    refinement: bool = setting(True, "Refinement", "The frames of a clip refine each other")
    soft: bool = setting(False, "Soft masks", "Also write soft masks, DIR/soft/ID/NAME.png")
    exact: bool = setting(False, "Published loop", "Copy the published loop; forward, fp32, F = 5 unless told")
    cache_bytes: int | None = setting(None, "Cache", "Most memory for features of frames, in bytes", low=0)

    @property
    def effective(self) -> "PropagationSettings":
        """Settings that the run goes by, once `exact` has turned off what the published loop does not have."""
        off: dict[str, Any] = {"precision": "fp32", "kernel": 0.0, "keep_lost": True, "distractors": False}
        return replace(self, memory_frames=10_000, **off) if self.exact else self

    @property
    def along(self) -> "PropagationSettings":
        """Settings of a run of what corrections touch: progressive matching as published. Memory begins with the
        corrected frames alone there, and what is added to it every second frame would outweigh them."""
        return replace(self, progressive=max(self.progressive, PUBLISHED_PROGRESSIVE) if self.progressive else 0)

    @property
    def redraws_parts(self) -> bool:
        """Whether parts of a run can be drawn again, what corrections touch or one clip: the published loop has
        neither."""
        return not self.exact

    def __post_init__(self) -> None:
        check_settings(self)
        if self.exact and self.precision not in ("auto", "fp32"):
            sentence = f"The exact mode runs in fp32, not in {self.precision}."
            raise PCVOSError(sentence, "exact precision", precision=self.precision)
