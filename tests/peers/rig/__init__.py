"""What the peers' programs share: certificates, servers with faults, and how gengfu and blackbox_exporter are asked."""
