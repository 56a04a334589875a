"""The stand-in is what the real bindings say, and refuses what they lack."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from standin.signature import overloads
from standin.wheels import VERSIONS

import inference.backends.tensorrt as room
from inference.backends.tensorrt import cuda, library
from inference.backends.tensorrt.library import GENERATIONS, Typing, generation
from inference.errors import BackendMissing

SOURCES = sorted(Path(room.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_specification_is_the_whole_module(version, specification):
    names = specification(version)["names"]
    classes = {name for name, spec in names.items() if spec["kind"] == "class"}
    assert len(classes) > 150
    assert {"Builder", "IBuilderConfig", "Runtime", "ICudaEngine", "IExecutionContext", "OnnxParser"} <= classes
    unsigned = [
        f"{name}.{member}"
        for name in ("Builder", "IBuilderConfig", "Runtime", "ICudaEngine", "IExecutionContext", "OnnxParser")
        for member, how in names[name]["members"].items()
        if how["kind"] == "method" and not member.startswith("_") and not overloads(how["doc"])
    ]
    assert unsigned == []


def has(specification, version, owner, member):
    spec = specification(version)["names"].get(owner, {"members": {}})
    return member in spec["members"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_table_of_generations_is_true(version, specification):
    """Each column is held against the bindings of each version."""
    row = generation(version)

    def there(owner, member):
        return has(specification, version, owner, member)

    assert row.progress == there("IBuilderConfig", "progress_monitor")
    assert row.bf16 == there("BuilderFlag", "BF16")
    assert (row.typing is Typing.WEAK) == there("BuilderFlag", "FP16") == there("IBuilderConfig", "int8_calibrator")
    assert (row.typing is Typing.WEAK) == there("ITensor", "set_dynamic_range") == there("ILayer", "precision")
    assert there("OnnxParserFlag", "NATIVE_INSTANCENORM")
    assert not row.explicit_batch or there("NetworkDefinitionCreationFlag", "EXPLICIT_BATCH")
    assert not row.adjusts_for_dla or there("OnnxParserFlag", "ADJUST_FOR_DLA")


def test_which_row_a_version_belongs_to():
    found = {v: generation(v) for v in ("8.5.2", "8.6.1", "10.3.0", "10.7.0.23", "10.13.3", "11.4.0.106", "11.4.1")}
    assert [row.first for row in found.values()] == [
        (8, 5), (8, 6), (10, 0), (10, 0), (10, 8), (11, 0), (11, 4, 1)
    ]  # fmt: skip
    assert [row.dla for row in found.values()] == [True, True, True, True, False, False, True]
    assert [row.first for row in GENERATIONS] == sorted(row.first for row in GENERATIONS)
    with pytest.raises(BackendMissing, match="too old"):
        generation("8.4.3")


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_real_one_lacks_is_refused(version, install):
    install(version)
    trt = library.tensorrt()
    with pytest.raises(AttributeError):
        trt.BuilderFlag.NO_SUCH_FLAG  # noqa: B018
    with pytest.raises(AttributeError):
        trt.NoSuchClass  # noqa: B018
    with cuda.gpu(0).current():
        builder = trt.Builder(trt.Logger())
        config = builder.create_builder_config()
        with pytest.raises(AttributeError):
            config.no_such_setting = 1
        with pytest.raises(AttributeError):
            builder.no_such_method()
        with pytest.raises(TypeError):
            config.set_flag(1)
        with pytest.raises(TypeError):
            config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE)
        with pytest.raises(TypeError):
            config.set_memory_pool_limit(pool=trt.MemoryPoolType.WORKSPACE, size=1)
        with pytest.raises(TypeError):
            config.DLA_core = "0"
        with pytest.raises(TypeError, match="No constructor"):
            trt.IBuilderConfig()
        with pytest.raises(AttributeError):
            builder.num_DLA_cores = 3
        with pytest.raises(TypeError):
            1 << trt.BuilderFlag.TF32


def test_generations_differ_where_the_real_ones_do(install, specification):
    install("11.4.0.106")
    trt = library.tensorrt()
    with pytest.raises(AttributeError):
        trt.BuilderFlag.FP16  # noqa: B018
    with pytest.raises(AttributeError):
        trt.IInt8EntropyCalibrator2  # noqa: B018
    assert not has(specification, "8.6.1", "IProgressMonitor", "step_complete")


def test_a_subclass_must_begin_as_the_real_one_asks(install):
    install("10.3.0")
    trt = library.tensorrt()

    class Careless(trt.ILogger):
        def __init__(self):
            pass

    with cuda.gpu(0).current(), pytest.raises(TypeError):
        trt.Builder(Careless())


def test_pycuda_refuses_what_its_sources_lack(install):
    install("10.3.0")
    driver = cuda.driver()
    with cuda.gpu(0).current():
        with pytest.raises(TypeError):
            driver.mem_alloc(size=16)
        with pytest.raises(TypeError):
            driver.pagelocked_empty((4,), "f4", flags=2)
        with pytest.raises(AttributeError):
            driver.host_alloc_flags.MAPPED  # noqa: B018
        with pytest.raises(AttributeError):
            driver.Stream().wait()
        with pytest.raises(TypeError):
            driver.Stream().synchronize(1)


def test_the_context_that_imports_make_is_never_used():
    """`pycuda.autoinit` and `pycuda.autoprimaryctx` bind a context to whichever thread imported them."""
    imported = [
        alias.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert not [name for name in imported if "pycuda" in name or name == "tensorrt.tensorrt"]
    assert not [path.name for path in SOURCES if 'import_module("pycuda.auto' in path.read_text("utf-8")]
