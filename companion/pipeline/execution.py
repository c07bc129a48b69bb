"""Execute one notebook with papermill, by the interpreter that runs the command."""

import re
import sys
from pathlib import Path

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from companion.paths import RunPaths, project_root
from companion.pipeline.provenance import interpreter, processor_seconds
from slugkit.errors import InputError
from slugkit.files import atomic_path


class OwnKernel(AsyncKernelManager):
    """Starts a kernel on this interpreter.

    The kernel that goes by the name of "python3" may be that of another environment: the first that
    JUPYTER_PATH or a folder of the user offers.
    """

    @property
    def kernel_spec(self) -> KernelSpec:
        """How the kernel is started."""
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python",
            language="python",
        )


def execute(name: str, profile: str) -> Path:
    """Execute notebooks/<name>.ipynb under a profile and return the executed copy.

    Raises
    ------
    InputError
        There is no such notebook, it does not take a profile, or one of its cells failed; the
        copy with the failed cell is then kept beside, as <name>.failed.ipynb.
    """
    source = project_root() / "notebooks" / f"{name}.ipynb"
    if not source.is_file():
        known = ", ".join(sorted(path.stem for path in source.parent.glob("*.ipynb")))
        raise InputError(f"there is no notebook {name!r}: choose one of {known}")
    if not _takes_a_profile(source):
        raise InputError(f"{source} takes no parameter `profile`: tag its cell `parameters`")
    target = RunPaths(profile).notebook(name)
    failed = target.with_suffix(".failed.ipynb")
    with atomic_path(target) as partial:
        try:
            papermill.execute_notebook(
                str(source),
                str(partial),
                parameters={"profile": profile},
                cwd=str(source.parent),
                progress_bar=False,
                kernel_name="python3",
                kernel_manager_class=OwnKernel,
                language="python",
                # A cell's error comes back in the notebook. What else a kernel logs is of no use:
                # how its traffic is protected and, as an error, the interrupt that shuts it down.
                extra_arguments=["--log-level=CRITICAL"],
            )
            _finish(partial)
        except papermill.PapermillExecutionError as error:
            partial.rename(failed)
            partial.touch()
            raise InputError(
                f"notebook {name}, cell {error.exec_count}: {error.ename}: {error.evalue}\n"
                f"The notebook up to that cell is {failed}"
            ) from None
    failed.unlink(missing_ok=True)
    return target


def _takes_a_profile(source: Path) -> bool:
    cells = nbformat.read(source, as_version=4).cells
    given = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    return any(re.search(r"^profile\s*=", text, flags=re.MULTILINE) for text in given)


def _finish(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    # Beside its duration, which papermill writes. The kernel has ended, so its time is in it.
    notebook.metadata["papermill"]["processor_seconds"] = round(processor_seconds(), 3)
    notebook.metadata["papermill"]["interpreter"] = interpreter()
    # papermill repeats the parameters in a cell of its own; the banner names the profile already.
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata["tags"].append("remove-cell")
    nbformat.write(notebook, path)
