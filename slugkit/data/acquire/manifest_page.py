"""The manifests as a page of the book: `python -m slugkit data page > book/manifests.md`."""

from slugkit.data.acquire.manifests import File, Manifest, list_manifests, load_manifest


def page() -> str:
    """Return a MyST page with all that is known about every data set."""
    manifests = [load_manifest(name) for name in list_manifests()]
    lines = [
        "# Data sets, one by one",
        "",
        "<!-- Made from data_manifests/ by `slugkit data page`; edit the manifests instead. -->",
        "",
        "What is known about each data set, and where it was read. What is not known is written as",
        "unknown. `slugkit data fetch NAME` fetches what can be downloaded without a person.",
        "",
        "| data set | images | access | licence | may be shown | may be passed on |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| [{m.title}](#{anchor(m)}) | {number(m.images)} | {m.access} | {m.licence} "
        f"| {permission(m.showing.allowed)} | {permission(m.sharing.allowed)} |"
        for m in manifests
    ]
    for manifest in manifests:
        lines += ["", *section(manifest)]
    return "\n".join(lines) + "\n"


def section(manifest: Manifest) -> list[str]:
    """Return the lines about one data set."""
    lines = [
        f"({anchor(manifest)})=",
        f"## {manifest.title}",
        "",
        f"`{manifest.name}`. {manifest.citation.strip()}",
        "",
        f"- Licence: {manifest.licence}",
        f"- DOI: {doi(manifest.doi)}",
        f"- Showing its images: {permission(manifest.showing.allowed)}; {manifest.showing.reason}",
        f"- Passing it on: {permission(manifest.sharing.allowed)}; {manifest.sharing.reason}",
    ]
    if manifest.groups:
        lines.append(f"- Images that stay on one side of a split: {manifest.groups.strip()}")
    if manifest.steps:
        lines += ["", "To get it:", ""]
        lines += [f"{k}. {step.strip()}" for k, step in enumerate(manifest.steps, 1)]
    if manifest.files:
        lines += ["", "| file | bytes | digest | content |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {link(file)} | {file.size or number(file.bytes)} | {digest(file.digest)} "
            f"| {file.content} |"
            for file in manifest.files
        ]
    lines += ["", "Folders in which it is recognised, under the data root:", ""]
    for layout in manifest.layouts:
        contents = "; ".join(f"`{c.pattern}` {number(c.count)}" for c in layout.contents)
        lines.append(f"- `{layout.folder}`: {contents}. {layout.note.strip()}".rstrip())
    if manifest.labels:
        lines += ["", "Labels:", ""]
        lines += [f"- `{column}`: {meaning.strip()}" for column, meaning in manifest.labels.items()]
    lines += ["", "Known defects:", ""]
    lines += [f"- {defect.strip()}" for defect in manifest.defects]
    return [*lines, "", f"Facts from: {'; '.join(manifest.sources)}."]


def anchor(manifest: Manifest) -> str:
    """Return the label of a data set's section."""
    return "manifest-" + manifest.name.replace("_", "-")


def number(value: int | str) -> str:
    """Return a number with its thousands set apart."""
    return value if isinstance(value, str) else f"{value:,}"


def permission(allowed: bool | str) -> str:
    """Return yes, no or unknown."""
    if isinstance(allowed, str):
        return allowed
    return "yes" if allowed else "no"


def doi(value: str) -> str:
    """Return a link, if there is one."""
    return value if value == "unknown" else f"[{value}](https://doi.org/{value})"


def link(file: File) -> str:
    """Return the name of a file, linked where it can be."""
    return f"[{file.name}]({file.url})" if file.url.startswith("http") else f"`{file.name}`"


def digest(value: str) -> str:
    """Return the kind and the beginning of a digest; the manifest has the whole."""
    kind, _, digits = value.partition(":")
    return f"{kind} `{digits[:12]}...`" if digits else value
