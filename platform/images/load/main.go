// The load generator: k6 exactly as upstream releases it, built from its Go module.
package main

import "go.k6.io/k6/cmd"

func main() {
	cmd.Execute()
}
