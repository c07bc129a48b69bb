"""What the commands of the data do, each given its arguments; `parser` says which these are."""

import argparse
from pathlib import Path

from slugkit.data.acquire.fetch import fetch
from slugkit.data.acquire.manifest_page import page, permission
from slugkit.data.acquire.manifests import Manifest, list_manifests, load_manifest
from slugkit.data.acquire.verify import count, present, verify
from slugkit.data.duplicates import label_conflicts, published_lists
from slugkit.data.prepare import is_intact, prepare
from slugkit.data.sources import index
from slugkit.errors import InputError
from slugkit.progress import Progress


def _list(_: argparse.Namespace) -> None:
    print(f"{'name':18}{'images':>8}  {'access':11}licence")
    for name in list_manifests():
        manifest = load_manifest(name)
        print(f"{name:18}{manifest.images!s:>8}  {manifest.access:11}{manifest.licence}")
    print("\n`slugkit data show NAME` says more.")


def _show(arguments: argparse.Namespace) -> None:
    print(describe(load_manifest(arguments.name)))


def _page(_: argparse.Namespace) -> None:
    print(page(), end="")


def describe(manifest: Manifest) -> str:
    """Return all that is known about a data set, as text."""
    lines = [
        manifest.title,
        f"  licence     {manifest.licence}",
        f"  citation    {manifest.citation.strip()}",
        f"  doi         {manifest.doi}",
        f"  home page   {manifest.homepage}",
        f"  images      {manifest.images}",
        f"  access      {manifest.access}",
        f"  showing     {permission(manifest.showing.allowed)}: {manifest.showing.reason}",
        f"  sharing     {permission(manifest.sharing.allowed)}: {manifest.sharing.reason}",
    ]
    if manifest.steps:
        lines.append("Steps")
        lines += [f"  {k}. {step.strip()}" for k, step in enumerate(manifest.steps, 1)]
    if manifest.files:
        lines.append("Files")
    for file in manifest.files:
        size = file.size or ("size unknown" if file.bytes == "unknown" else f"{file.bytes:,} bytes")
        digest = "digest unknown" if file.digest == "unknown" else file.digest
        lines += [f"  {file.name}  ({size}, {digest})", f"    {file.url}"]
        lines += [f"    {file.content}"] if file.content else []
    lines.append("Folders, under the data root")
    for layout in manifest.layouts:
        lines += [f"  {layout.folder}/{c.pattern}  {c.count}" for c in layout.contents]
        lines += [f"    {layout.note.strip()}"] if layout.note else []
    for title, entries in (
        ("Labels", [f"{column}: {meaning}" for column, meaning in manifest.labels.items()]),
        ("Known defects", manifest.defects),
        ("Sources of these facts", manifest.sources),
    ):
        if entries:
            lines.append(title)
            lines += [f"  - {entry.strip()}" for entry in entries]
    return "\n".join(lines)


def _fetch(arguments: argparse.Namespace) -> None:
    manifest = load_manifest(arguments.name)
    result = fetch(
        manifest,
        arguments.data,
        per_host=arguments.per_host,
        attempts=arguments.attempts,
        progress=Progress(manifest.name),
    )
    print(f"{result.fetched} fetched, {result.present} already there, in {result.folder}")
    if result.failures.empty:
        return
    for cause, number in result.failures["cause"].value_counts().head(10).items():
        print(f"  {number:6}  {cause}")
    for step in manifest.steps:
        print(f"  - {step.strip()}")
    raise InputError(
        f"{len(result.failures)} files of {manifest.name} could not be fetched, listed with the "
        f"cause in {result.folder / 'failures.csv'}; the same command tries again what is missing"
    )


def _verify(arguments: argparse.Namespace) -> None:
    manifest = load_manifest(arguments.name)
    checks = verify(manifest, arguments.data, progress=Progress(manifest.name))
    for check in checks:
        print(f"{'right' if check.right else 'WRONG'}  {check.what}: {check.found}")
    wrong = sum(not check.right for check in checks)
    if wrong:
        raise InputError(
            f"{wrong} of {len(checks)} checks of {manifest.name} failed; fetch what is missing or "
            f"damaged again, see `slugkit data show {manifest.name}`"
        )


def _prepare(arguments: argparse.Namespace) -> None:
    table = index(arguments.name, arguments.data)
    folder = arguments.output / f"{arguments.name}-{arguments.size}"
    prepared = prepare(
        table,
        arguments.data,
        folder,
        arguments.size,
        published=published_lists(arguments.name, arguments.data),
        progress=Progress(arguments.name),
    )
    print(f"{len(prepared.table)} images of {arguments.size} x {arguments.size} in {folder}")
    for reason, number in prepared.left_out.items():
        print(f"{number} images left out: {reason}")
    if absent := table.attrs.get("absent", 0):
        print(f"{absent} images that its tables list are not there")
    print(f"{len(prepared.duplicates)} pairs of near-duplicates, each kept in one group")
    conflicts = label_conflicts(prepared.table)
    if len(conflicts):
        print(f"{len(conflicts)} images whose skin type contradicts that of a near-duplicate:")
        for group, sheet in conflicts.groupby("group"):
            labels = zip(sheet["image_id"], sheet["fitzpatrick"], strict=True)
            print(f"  {group}: " + ", ".join(f"{image} FST {fst}" for image, fst in labels))
    if not prepared.failures.empty:
        raise InputError(
            f"{len(prepared.failures)} images of {arguments.name} cannot be read and were left "
            f"out, listed in {folder / 'failures.csv'}; fetch them again"
        )


def _status(arguments: argparse.Namespace) -> None:
    for name in list_manifests():
        manifest = load_manifest(name)
        layouts = present(manifest, arguments.data)
        print(f"{name:18}{'' if layouts else 'absent'}")
        for layout in layouts:
            for contents in layout.contents:
                found = count(contents, Path(arguments.data) / layout.folder)
                print(f"  {layout.folder}/{contents.pattern}: {found} of {contents.count}")
        for folder in sorted(arguments.output.glob(f"{name}-*")):
            state = "intact" if is_intact(folder) else "unfinished or damaged"
            print(f"  prepared: {folder}, {state}")


COMMANDS = {
    "list": _list,
    "show": _show,
    "page": _page,
    "fetch": _fetch,
    "verify": _verify,
    "prepare": _prepare,
    "status": _status,
}
