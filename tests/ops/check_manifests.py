#!/usr/bin/env python3
"""Lint of ops/kubernetes: what `kubectl apply --dry-run` would need a cluster for, by hand.

Usage: check_manifests.py FOLDER. Prints findings; exit code 1 when there are any.
"""
import pathlib
import sys

import yaml

API = {
    "Namespace": "v1", "Service": "v1", "StatefulSet": "apps/v1",
    "PodDisruptionBudget": "policy/v1", "NetworkPolicy": "networking.k8s.io/v1",
}
CONTAINER_KEYS = {
    "name", "image", "command", "args", "ports", "env", "envFrom", "resources", "lifecycle",
    "startupProbe", "livenessProbe", "readinessProbe", "securityContext", "volumeMounts",
}
POD_KEYS = {
    "automountServiceAccountToken", "terminationGracePeriodSeconds", "securityContext",
    "initContainers", "containers", "volumes",
}
found = []


def expect(holds, what):
    if not holds:
        found.append(what)


def check_container(where, one, volumes):
    where = f"{where}/{one.get('name')}"
    expect(set(one) <= CONTAINER_KEYS, f"{where}: unknown keys {set(one) - CONTAINER_KEYS}")
    expect(one.get("image"), f"{where}: no image")
    safe = one.get("securityContext", {})
    expect(safe.get("allowPrivilegeEscalation") is False, f"{where}: may escalate")
    expect(safe.get("capabilities", {}).get("drop") == ["ALL"], f"{where}: keeps capabilities")
    expect(safe.get("readOnlyRootFilesystem") is True, f"{where}: writes to its image")
    expect("memory" in one.get("resources", {}).get("limits", {}), f"{where}: no memory limit")
    for mount in one.get("volumeMounts", []):
        expect(mount["name"] in volumes, f"{where}: no volume {mount['name']}")
    for text in one.get("command", []) + one.get("args", []):
        expect(isinstance(text, str), f"{where}: argument {text!r} is no text")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        if probe in one:
            expect("exec" in one[probe], f"{where}: {probe} must reach the pod's loopback")


def check_pods(where, spec):
    template = spec["template"]
    expect(spec["selector"]["matchLabels"] == template["metadata"]["labels"], f"{where}: selector")
    pod = template["spec"]
    expect(set(pod) <= POD_KEYS, f"{where}: unknown keys {set(pod) - POD_KEYS}")
    safe = pod.get("securityContext", {})
    expect(safe.get("runAsNonRoot") is True and safe.get("runAsUser", 0) > 0, f"{where}: root")
    expect(safe.get("seccompProfile") == {"type": "RuntimeDefault"}, f"{where}: seccomp")
    expect(pod.get("automountServiceAccountToken") is False, f"{where}: holds an API token")
    volumes = {v["name"] for v in pod.get("volumes", [])}
    volumes |= {v["metadata"]["name"] for v in spec.get("volumeClaimTemplates", [])}
    for one in pod.get("initContainers", []) + pod["containers"]:
        check_container(where, one, volumes)
    drain = [int(a.split("=")[1]) for c in pod["containers"] for a in c.get("args", [])
             if a.startswith("--drain=")]
    expect(all(pod["terminationGracePeriodSeconds"] > d for d in drain), f"{where}: grace < drain")


def main(folder):
    objects, labels, services = [], set(), set()
    files = sorted(pathlib.Path(folder).glob("*.yaml"))
    plan = next(yaml.safe_load(f.read_text()) for f in files if f.name == "kustomization.yaml")
    expect(set(plan["resources"]) == {f.name for f in files} - {"kustomization.yaml"},
           "kustomization.yaml does not list every file")
    for file in files:
        if file.name == "kustomization.yaml":
            continue
        objects += [(file.name, o) for o in yaml.safe_load_all(file.read_text())]
    for file, one in objects:
        kind, name = one["kind"], one["metadata"]["name"]
        where = f"{file} {kind}/{name}"
        expect(one["apiVersion"] == API.get(kind), f"{where}: apiVersion {one['apiVersion']}")
        if kind != "Namespace":
            expect(one["metadata"].get("namespace") == "tenbit", f"{where}: namespace")
        if kind == "StatefulSet":
            check_pods(where, one["spec"])
            labels.add(one["spec"]["template"]["metadata"]["labels"]["app"])
        if kind == "Service":
            services.add(name)
    for file, one in objects:
        where = f"{file} {one['kind']}/{one['metadata']['name']}"
        spec = one.get("spec", {})
        if one["kind"] == "StatefulSet":
            expect(spec["serviceName"] in services, f"{where}: no service {spec['serviceName']}")
        if one["kind"] == "Service":
            expect(spec["selector"]["app"] in labels, f"{where}: selects nothing")
        if one["kind"] == "PodDisruptionBudget":
            expect(spec["selector"]["matchLabels"]["app"] in labels, f"{where}: selects nothing")
    print("\n".join(found) or f"{len(objects)} objects hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
