#!/bin/sh
# Puts the files of this repository into ConfigMaps and applies the manifest. Run it again after every change; gengfu
# takes changed folders over by itself. `apply.sh --dry-run=client` only prints what it would apply.
#   GENGFU_FILES=/path/to/your/files deploy/kubernetes/apply.sh
# Before the first time:  kubectl create namespace gengfu
#   kubectl -n gengfu create secret generic grafana --from-literal=password=…
set -eu
cd "$(dirname "$0")/../.."
files=${GENGFU_FILES:-.}

# Server-side, since the dashboards are larger than what a client may keep in an annotation.
config_map() {
    name=$1
    shift
    kubectl -n gengfu create configmap "$name" "$@" --dry-run=client -o yaml |
        kubectl apply --server-side --force-conflicts $more -f -
}

more=${1:-}
config_map settings --from-file="$files/gengfu.yaml"
config_map probes --from-file="$files/probes/modules.yaml"
config_map platform --from-file="$files/probes/platform"
config_map districts --from-file="$files/probes/districts"
config_map bureaus --from-file="$files/probes/bureaus"
config_map external --from-file="$files/probes/external"
config_map schedules --from-file="$files/schedules/objectives.yaml" --from-file="$files/schedules/composites.yaml" \
    --from-file="$files/schedules/freezes.yaml" --from-file="$files/schedules/on-call.yaml"
config_map calendars --from-file="$files/schedules/calendars"
config_map policies --from-file="$files/schedules/policies"
config_map windows --from-file="$files/schedules/windows"
config_map plans --from-file="$files/schedules/plans"
config_map dashboards --from-file=dashboards
config_map rules --from-file=dashboards/rules
config_map prometheus --from-file=deploy/prometheus/prometheus.yml
config_map alertmanager --from-file=deploy/alertmanager/alertmanager.yml
config_map grafana-datasources --from-file=deploy/grafana/provisioning/datasources
config_map grafana-providers --from-file=deploy/grafana/provisioning/dashboards
kubectl apply $more -f deploy/kubernetes/gengfu.yaml
