module divergence/cluster/pause

go 1.21
