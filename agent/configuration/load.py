"""The configuration is read from its files: whole, checked whole, or refused with all that is wrong."""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path as FilePath
from typing import Any, TypeVar

from agent.configuration import crosscheck, layers, plugged
from agent.configuration.assemble import put_together
from agent.configuration.build import build
from agent.configuration.config import Config
from agent.configuration.faults import ConfigFaults, Fault, Findings, fault_at, hide, suggest
from agent.configuration.judge import judge
from agent.configuration.known_errors import action_faults, is_large, read_library, review_faults
from agent.configuration.layers import Layered
from agent.configuration.site import FILES, PACK_FILES, ThresholdsFile
from agent.configuration.topology_faults import topology_faults
from agent.configuration.yaml import Document
from collectors.rule import Rule
from collectors.thresholds import Thresholds
from knowledge.library import Library

DEFAULT_PACK = "iso20000-default"

F = TypeVar("F", bound=Rule)


def load(
    config_dir: FilePath | str,
    pack: str | None = None,
    *,
    strict: bool = False,
    environ: Mapping[str, str] = os.environ,
    now: datetime | None = None,
    library_later: bool = False,
    but_faulty: bool = False,
) -> Config:
    """Return the configuration of a directory. Raises ConfigFaults with every fault of every file.

    `pack` wins over the `pack:` of tocsin.yaml. With `strict` a warning is a fault. With `now` calendars and rotas
    are looked through for the 60 days from there (procedure S2.1). With `library_later` the site's known errors are
    left out where they are many (`is_library_read`); with `but_faulty` those that are wrong are (`left_out`). The
    directory is only read.
    """
    folder = FilePath(config_dir)
    if not folder.is_dir():
        raise ConfigFaults([Fault(str(config_dir), 1, 1, "", "there is no such directory: name it with --config.dir")])
    try:
        next(folder.iterdir(), None)  # may it be listed,
        (folder / "tocsin.yaml").exists()  # and what is in it be looked at?
    except OSError as error:
        what = f"it cannot be read ({error.strerror}): whoever runs the daemon has to list it and read what is in it"
        raise ConfigFaults([Fault(str(config_dir), 1, 1, "", what)]) from error
    return _Loading(folder, environ, strict, now, library_later and is_large(folder), but_faulty).config(pack)


class _Loading:
    """One load, begun to end by `config`: the files as laid over each other, and what was found wrong so far.

    What is wrong stops the load when all files were looked at.
    """

    def __init__(
        self,
        folder: FilePath,
        environ: Mapping[str, str],
        strict: bool,
        now: datetime | None,
        library_later: bool,
        but_faulty: bool,
    ) -> None:
        self._folder, self._environ, self._strict, self._now = folder, environ, strict, now
        self._library_later = library_later
        self._left_out: list[Fault] | None = [] if but_faulty else None
        self._found = Findings(layers.misnamed(folder), [*layers.strangers(folder), *layers.emptied(folder)])
        self._layers: dict[str, Layered] = {}
        self._thresholds = Layered("thresholds.yaml")

    def config(self, pack: str | None) -> Config:
        """Read, lay over each other, build and cross-check all files. Raises ConfigFaults with every fault of them."""
        pack, pack_thresholds = self._read(pack)
        files = {name: self._build(model, self._layers[name]) for name, model in FILES.items()}
        notifiers = plugged.built("notifier", self._layers["tocsin.yaml"], "notifiers", self._found)
        inspections = plugged.built("inspection", self._layers["inspections.yaml"], "inspections", self._found)
        plugged.check_sources(self._layers["tocsin.yaml"], self._found)
        plugged.check_strategies(self._layers, self._found)
        self._found.faults += crosscheck.references(self._layers)
        self._found.faults += topology_faults(self._layers["topology.yaml"])
        known_errors = self._known_errors(pack)
        read: Mapping[str, Any] = files
        judge(self._layers, read, inspections, pack_thresholds, self._now, self._found)
        if read["tocsin.yaml"] is not None:
            self._wrong_in_library(action_faults(known_errors, read["tocsin.yaml"].automation))
        self._stop_if_wrong()
        config = put_together(pack, read, {**self._layers, "thresholds.yaml": self._thresholds}, known_errors)
        return replace(
            config,
            notifiers=notifiers,
            inspections=inspections,
            pack_thresholds=pack_thresholds,
            is_library_read=not self._library_later,
            left_out=tuple(self._told(self._left_out or [])),
            warnings=tuple(self._told(self._found.warnings)),
            notes=tuple(self._told(self._found.notes)),
        )

    def _stop_if_wrong(self) -> None:
        wrong = [*self._found.faults, *(self._found.warnings if self._strict else ())]
        if wrong:
            # That a file has lost all it said explains many of the others.
            raise ConfigFaults(self._told([*wrong, *layers.emptied(self._folder)]))

    def _told(self, faults: list[Fault]) -> list[Fault]:
        """The faults as people are told them: each once, in the order of files and lines, without any secret."""
        hidden = {secret: shown for layered in self._layers.values() for secret, shown in layered.hidden.items()}
        names = list(FILES)
        told = {layers.as_written(fault._replace(message=hide(fault.message, hidden))) for fault in faults}
        return sorted(told, key=lambda f: (names.index(f.file) if f.file in names else len(names), f))

    def _read(self, pack: str | None) -> tuple[str, Thresholds]:
        """Read all files; return the name of the pack, and its thresholds alone.

        They are kept apart from the site's because those of an inspection come between the two (`Config.threshold`).
        """
        site = layers.read_folder(self._folder, FILES, "", self._found.faults)
        layers.put_secrets(site, self._folder, self._environ, self._found.faults)
        pack = pack or _pack_named(site)
        below = self._read_pack(pack, site)
        of_pack = below.pop("thresholds.yaml", [])
        thresholds = layers.lay("thresholds.yaml", *of_pack)
        self._layers = {name: layers.lay(name, *below.get(name, ()), site.get(name)) for name in FILES}
        self._thresholds = layers.lay("thresholds.yaml", *of_pack, site.get("thresholds.yaml"))
        built = self._build(ThresholdsFile, thresholds)
        return pack, built.thresholds if built else {}

    def _read_pack(self, pack: str, site: Mapping[str, Document]) -> dict[str, list[Document]]:
        if pack not in layers.packs():
            marks = site["tocsin.yaml"].marks if "tocsin.yaml" in site else {}
            message = f"there is no pack {pack!r}{suggest(pack, layers.packs())}"
            self._found.faults.append(fault_at(marks, ("pack",), message, file="tocsin.yaml"))
            pack = DEFAULT_PACK
        return layers.read_pack(pack, PACK_FILES, self._found.faults)

    def _build(self, model: type[F], layered: Layered) -> F | None:
        if not layered.readable:
            return None
        built, faults = build(model, layered.value, layered.marks, hidden=layered.hidden)
        self._found.add(faults)
        return built

    def _known_errors(self, pack: str) -> Library:
        place = next((p for p in layers.lineage(pack) if (layers.pack_folder(p) / "knowledge").is_dir()), pack)
        library, faults = read_library(
            layers.pack_folder(place), self._folder, place, entries_of_site=not self._library_later
        )
        self._wrong_in_library(faults)
        if self._now is not None:
            self._found.warnings += review_faults(library, self._now)
        return library

    def _wrong_in_library(self, faults: list[Fault]) -> None:
        (self._found.faults if self._left_out is None else self._left_out).extend(faults)


def _pack_named(site: Mapping[str, Document]) -> str:
    value = site["tocsin.yaml"].value if "tocsin.yaml" in site else None
    named = value.get("pack") if isinstance(value, dict) else None
    return named if isinstance(named, str) else DEFAULT_PACK
