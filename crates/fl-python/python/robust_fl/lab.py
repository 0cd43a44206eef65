"""Experiments: run, read, draw."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import _native
from ._store import read_checkpoint
from .errors import DataError

Config = "str | os.PathLike[str] | Mapping[str, Any]"


class Picture(str):
    """A picture in SVG, which a notebook shows."""

    def _repr_svg_(self) -> str:
        return str(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the file."""
        Path(path).write_text(self, encoding="utf-8")


@dataclass
class _Asked:
    text: str
    name: str
    set: list[tuple[str, str]]
    out: Path
    jobs: int | None = None
    threads: int | None = None
    fresh: bool = False
    offline: bool = False
    data_dir: Path | None = None


def toml_value(value: Any, key: str) -> str:
    """A value of ``set`` as TOML has it, on one line."""
    if value is None:
        raise TypeError(f"`{key}` is None, which an experiment file has no form for; leave it out")
    if hasattr(value, "_choice"):
        value = value._choice()
    if isinstance(value, Mapping):
        entries = ((k, v) for k, v in value.items() if v is not None)
        return "{ " + ", ".join(f"{json.dumps(str(k))} = {toml_value(v, f'{key}.{k}')}" for k, v in entries) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_value(item, f"{key}[{i}]") for i, item in enumerate(value)) + "]"
    return _native.to_toml({"value": value}).removeprefix("value = ").strip()


def _asked(config: Any, set: Mapping[str, Any] | None, out: str | os.PathLike[str], **more: Any) -> _Asked:
    if isinstance(config, Mapping):
        text, name = _native.to_toml(dict(config)), "the experiment"
    else:
        path = Path(config)
        text, name = path.read_text(encoding="utf-8"), str(path)
    edits = [(key, toml_value(value, key)) for key, value in (set or {}).items()]
    return _Asked(text, name, edits, Path(out), **more)


@dataclass
class Cell:
    """One method with one seed at one point of a sweep."""

    folder: Path
    method: str
    attack: str
    seed: int
    rounds: int
    labels: dict[str, str]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Its evaluations, as ``metrics.jsonl`` has them."""
        path = self.folder / "metrics.jsonl"
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").split("\n")
        # The last line may be torn while the run goes on.
        return [json.loads(line) for line in lines[:-1] if line]

    @property
    def done(self) -> dict[str, Any] | None:
        """How it ended, as ``done.json`` has it; None before that."""
        path = self.folder / "done.json"
        done: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        return done

    @property
    def params(self) -> Any:
        """The model after the last round, from the checkpoint."""
        return read_checkpoint(self.folder / "checkpoint.safetensors")["params"]


class Run:
    """An experiment and its cells, in the order of the file; what is finished can be read, framed and drawn."""

    def __init__(self, asked: _Asked) -> None:
        self._asked = asked
        self.cells = [Cell(Path(c["folder"]), c["method"], c["attack"], c["seed"], c["rounds"], c["labels"])
                      for c in _native.cells(asked)]

    @property
    def folder(self) -> Path:
        """The folder of the cells' folders."""
        return self.cells[0].folder.parent

    def rows(self) -> Iterator[dict[str, Any]]:
        """Tidy rows: one an evaluation, with method, attack, seed, the sweep's labels, and all that was measured."""
        for cell in self.cells:
            key = {"method": cell.method, "attack": cell.attack, "seed": cell.seed, **cell.labels}
            for line in cell.metrics:
                full = line.pop("full", None) or {}
                yield {**key, **line, **full}

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The same as a list."""
        return list(self.rows())

    def frame(self, library: str | None = None) -> Any:
        """The same as a table of pandas or polars: the one that is named, or the one that is installed."""
        names = [library] if library else ["pandas", "polars"]
        for name in names:
            if name not in ("pandas", "polars"):
                raise ValueError(f"frame knows 'pandas' and 'polars', got {name!r}")
            try:
                module = __import__(name)
            except ImportError:
                continue
            # Of polars: all rows tell the columns' types, since some quantities are measured now and then.
            more = {"infer_schema_length": None} if name == "polars" else {}
            return module.DataFrame(self.metrics, **more)
        raise ImportError(f"{' or '.join(names)} is not installed: pip install 'robust-fl[pandas]'; run.metrics is a list")

    def results(self, by: Sequence[str] = (), measure: str = "accuracy") -> list[dict[str, Any]]:
        """Final numbers as ``fl-cli results`` has them: mean over seeds with its 95 % interval, best, worst, worst attack."""
        args = [f"--by={key}" for key in by] + ["--measure", measure, "--format", "json"]
        found: list[dict[str, Any]] = json.loads(self._call("results", args))
        return found

    def table(self, by: Sequence[str] = (), measure: str = "accuracy", format: str = "table") -> str:
        """The same as text: "table", "markdown", "latex" or "csv"."""
        return self._call("results", [f"--by={key}" for key in by] + ["--measure", measure, "--format", format])

    def plot(
        self, metric: str | Sequence[str] = "accuracy", *, rows: str | None = None, columns: str | None = None,
        linear: bool = False, title: str | None = None,
    ) -> Picture:
        """Curves of what is finished, with 95 % intervals over seeds; a sweep in panels."""
        metrics = [metric] if isinstance(metric, str) else list(metric)
        args = ["--metric", ",".join(metrics)] + (["--linear"] if linear else [])
        return self._picture(args, rows, columns, title)

    def heat(
        self, measure: str = "accuracy", *, rows: str | None = None, columns: str | None = None, title: str | None = None
    ) -> Picture:
        """Final numbers as a heat map."""
        return self._picture(["--heat", "--measure", measure], rows, columns, title)

    def _picture(self, args: list[str], rows: str | None, columns: str | None, title: str | None) -> Picture:
        for flag, value in (("--rows", rows), ("--columns", columns), ("--title", title)):
            args += [flag, value] if value is not None else []
        with tempfile.TemporaryDirectory() as folder:
            self._call("plot", [*args, "--figure", str(Path(folder) / "figure")])
            pictures = sorted(Path(folder).glob("*.svg"))
            return Picture("\n".join(path.read_text(encoding="utf-8") for path in pictures))

    def _call(self, command: str, args: list[str]) -> str:
        edits = [f"--set={key}={value}" for key, value in self._asked.set]
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "experiment.toml"
            config.write_text(self._asked.text, encoding="utf-8")
            said, remarks = _native.call([command, str(config), *edits, "--out", str(self._asked.out), *args])
        for line in remarks.splitlines():
            warnings.warn(line, stacklevel=4)
        return said

    def __repr__(self) -> str:
        done = sum(cell.done is not None for cell in self.cells)
        return f"Run({self.folder.name}: {done} of {len(self.cells)} finished, in {self.folder})"

    def _repr_html_(self) -> str:
        try:
            lines = self.table(format="markdown").strip().splitlines()
        except Exception:
            return f"<pre>{self!r}</pre>"
        cells = [[c.strip() for c in line.strip("| ").split("|")] for line in lines if line.startswith("|")]
        body = [
            "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in row) + "</tr>"
            for i, row in enumerate(cells) if i != 1
            for tag in ["th" if i == 0 else "td"]
        ]
        return f"<p>{self!r}</p><table>{''.join(body)}</table>"


class _Progress:
    """A line on a terminal or in a notebook."""

    def __init__(self, run: Run) -> None:
        self.cells = {cell.folder.name: cell for cell in run.cells}
        self.total = sum(cell.rounds for cell in self.cells.values())
        self.rounds: dict[int, int] = {}
        self.last = ""

    def __call__(self, news: list[tuple[str, int, int, str]]) -> None:
        for kind, index, round, words in news:
            if kind in ("progress", "resumed", "finished"):
                self.rounds[index] = round
            elif kind in ("notice", "failed"):
                warnings.warn(words, stacklevel=2)
        done = sum(self.rounds.values())
        text = f"{done} of {self.total} rounds, {len(self.cells)} runs"
        if text != self.last:
            self.last = text
            sys.stderr.write(f"\r{text}")
            sys.stderr.flush()

    def close(self) -> None:
        if self.last:
            sys.stderr.write("\n")


def run(
    config: Any, set: Mapping[str, Any] | None = None, *, out: str | os.PathLike[str] = "runs",
    progress: bool | Callable[[list[tuple[str, int, int, str]]], None] | None = None, jobs: int | None = None,
    threads: int | None = None, fresh: bool = False, offline: bool = False,
    data_dir: str | os.PathLike[str] | None = None,
) -> Run:
    """Runs an experiment: a TOML file, or a dict as the file would be.

    Args:
        set: keys to change, ``{"train.step": 0.1}``.
        out: the folder of results; each experiment has a folder in it, the same as ``fl-cli run`` makes.
        progress: a line of progress (by default on a terminal), or a function that is called with lists of
            ``(what, run, round, words)``.
        jobs, threads: runs at a time, of which no more are begun than there is memory for, and threads in all; results do
            not depend on them.
        fresh: start over. Without it what is finished is read, and what was interrupted goes on.
        offline: do not fetch data that are missing.

    Ctrl-C stops within 0.2 s; runs on their way save their state, and the same call goes on with them.
    """
    asked = _asked(config, set, out, jobs=jobs, threads=threads, fresh=fresh, offline=offline,
                   data_dir=None if data_dir is None else Path(data_dir))
    made = Run(asked)
    show: Any = progress
    if progress is True or (progress is None and (sys.stderr.isatty() or "ipykernel" in sys.modules)):
        show = _Progress(made)
    try:
        remarks = _native.run(asked, show if callable(show) else None)
    finally:
        if isinstance(show, _Progress):
            show.close()
    for line in remarks.splitlines():
        warnings.warn(line, stacklevel=2)
    return made


def sweep(config: Any, over: Mapping[str, Sequence[Any]], set: Mapping[str, Any] | None = None, **options: Any) -> Run:
    """Runs an experiment at every combination of values: ``sweep(config, {"federation.byzantine.count": [0, 3, 6]})``."""
    text = config if isinstance(config, Mapping) else None
    if text is None:
        import tomllib

        text = tomllib.loads(Path(config).read_text(encoding="utf-8"))
    table = {**text, "sweep": {**text.get("sweep", {}), **over}}
    return run(table, set, **options)


def results(config: Any, by: Sequence[str] = (), set: Mapping[str, Any] | None = None, *,
            out: str | os.PathLike[str] = "runs", measure: str = "accuracy") -> list[dict[str, Any]]:
    """Final numbers of what is finished of an experiment, nothing is run; see :meth:`Run.results`.

    A folder of runs in place of the experiment, as :class:`robust_fl.Federation` leaves it, tells its runs apart by what differs.
    """
    if not isinstance(config, Mapping) and Path(config).is_dir():
        keys = [f"--by={key}" for key in by]
        said, _ = _native.call(["results", str(config), *keys, "--measure", measure, "--format", "json"])
        found: list[dict[str, Any]] = json.loads(said)
        return found
    return Run(_asked(config, set, out)).results(by, measure)


def data(name: str, *, offline: bool = False) -> list[Path]:
    """The files of a data set that is known by name, as they were published: ``data("fashion-mnist")``.

    They are looked for in the folder that ``FL_DATA_DIR`` names and in the user's cache; what is missing is fetched and verified,
    unless ``offline``.
    """
    try:
        said, _ = _native.call(["data", "path", name])
    except DataError:
        if offline:
            raise
        _native.call(["data", "fetch", name, "--quiet"])
        said, _ = _native.call(["data", "path", name])
    return [Path(line) for line in said.splitlines()]


def theory(config: Any = None, set: Mapping[str, Any] | None = None, **numbers: Any) -> dict[str, Any]:
    """What the paper's theory says about an experiment, or about plain numbers: ``theory(workers=30, byzantine=6, s=2)``.

    Keyword arguments are the flags of ``fl-cli theory``; the answer is its JSON.
    """
    args = ["theory", "--json"]
    with tempfile.TemporaryDirectory() as folder:
        if config is not None:
            asked = _asked(config, set, "runs")
            path = Path(folder) / "experiment.toml"
            path.write_text(asked.text, encoding="utf-8")
            args += [str(path), *(f"--set={key}={value}" for key, value in asked.set)]
        args += [f"--{key.replace('_', '-')}={value}" for key, value in numbers.items()]
        found: dict[str, Any] = json.loads(_native.call(args)[0])
    return found
