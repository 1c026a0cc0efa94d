module divergence/agent/launch

go 1.25.0
