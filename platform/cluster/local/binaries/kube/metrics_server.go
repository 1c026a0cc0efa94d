package main

import (
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/client-go/rest"
	basecompatibility "k8s.io/component-base/compatibility"
	openapi "k8s.io/kubernetes/pkg/generated/openapi"
	"sigs.k8s.io/metrics-server/pkg/api"
	"sigs.k8s.io/metrics-server/pkg/scraper/client"
	"sigs.k8s.io/metrics-server/pkg/server"
)

const kubeletPort = 10250

// metricsServer is metrics-server put together here and not by its own command: that one's API description is
// generated for a later Kubernetes than the one everything else in this binary is built from.
type metricsServer struct {
	run                  *genericoptions.ServerRunOptions
	serving              *genericoptions.SecureServingOptionsWithLoopback
	authentication       *genericoptions.DelegatingAuthenticationOptions
	authorization        *genericoptions.DelegatingAuthorizationOptions
	metricResolution     time.Duration
	kubeletTimeout       time.Duration
	kubeletCertAuthority string
}

func newMetricsServerCommand() *cobra.Command {
	m := &metricsServer{
		run:            genericoptions.NewServerRunOptionsForComponent("metrics-server", basecompatibility.NewComponentGlobalsRegistry()),
		serving:        genericoptions.NewSecureServingOptions().WithLoopback(),
		authentication: genericoptions.NewDelegatingAuthenticationOptions(),
		authorization:  genericoptions.NewDelegatingAuthorizationOptions(),
	}
	c := &cobra.Command{
		Use:  "metrics-server",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return m.serve(genericapiserver.SetupSignalHandler()) },
	}
	m.serving.AddFlags(c.Flags())
	m.authentication.AddFlags(c.Flags())
	m.authorization.AddFlags(c.Flags())
	c.Flags().DurationVar(&m.metricResolution, "metric-resolution", 60*time.Second, "Time between two readings of the kubelets.")
	c.Flags().DurationVar(&m.kubeletTimeout, "kubelet-request-timeout", 10*time.Second, "Longest wait for one kubelet; shorter than the resolution.")
	c.Flags().StringVar(&m.kubeletCertAuthority, "kubelet-certificate-authority", "", "File of the authority that signed the kubelets' certificates.")
	return c
}

func (m *metricsServer) serve(stop <-chan struct{}) error {
	if m.kubeletTimeout <= 0 || m.kubeletTimeout >= m.metricResolution {
		return fmt.Errorf("cannot read kubelets: the time-out must be between 0 and the resolution %v: current value is %v", m.metricResolution, m.kubeletTimeout)
	}
	cluster, err := rest.InClusterConfig()
	if err != nil {
		return fmt.Errorf("cannot reach the API server from here: %w", err)
	}
	cluster.ContentType = "application/vnd.kubernetes.protobuf"
	if err := rest.SetKubernetesDefaults(cluster); err != nil {
		return err
	}
	generic, err := m.genericConfig()
	if err != nil {
		return err
	}
	kubelets := rest.CopyConfig(cluster)
	kubelets.TLSClientConfig = rest.TLSClientConfig{CAFile: m.kubeletCertAuthority}
	config := server.Config{
		Apiserver: generic,
		Rest:      cluster,
		Kubelet: &client.KubeletClientConfig{
			Client:              *kubelets,
			AddressTypePriority: []corev1.NodeAddressType{corev1.NodeInternalIP},
			Scheme:              "https",
			DefaultPort:         kubeletPort,
		},
		MetricResolution: m.metricResolution,
		ScrapeTimeout:    m.kubeletTimeout,
	}
	ready, err := config.Complete()
	if err != nil {
		return err
	}
	return ready.RunUntil(stop)
}

func (m *metricsServer) genericConfig() (*genericapiserver.Config, error) {
	if err := m.serving.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{net.IPv4(127, 0, 0, 1)}); err != nil {
		return nil, fmt.Errorf("cannot make a certificate to serve with: %w", err)
	}
	if err := m.run.ComponentGlobalsRegistry.Set(); err != nil {
		return nil, err
	}
	config := genericapiserver.NewConfig(api.Codecs)
	namer := openapinamer.NewDefinitionNamer(api.Scheme)
	config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(openapi.GetOpenAPIDefinitions, namer)
	config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, namer)
	config.OpenAPIConfig.Info.Title = "metrics-server"
	config.OpenAPIV3Config.Info.Title = "metrics-server"
	if err := m.run.ApplyTo(config); err != nil {
		return nil, err
	}
	// After ApplyTo, which looks for a version in a registry that knows none of this component.
	config.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()
	if err := m.serving.ApplyTo(&config.SecureServing, &config.LoopbackClientConfig); err != nil {
		return nil, err
	}
	if err := m.authentication.ApplyTo(&config.Authentication, config.SecureServing, nil); err != nil {
		return nil, err
	}
	if err := m.authorization.ApplyTo(&config.Authorization); err != nil {
		return nil, err
	}
	return config, nil
}
