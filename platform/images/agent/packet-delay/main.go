// packet-delay holds back packets that come into a network namespace, for kernels without netem.
//
// It binds an NFQUEUE, appends one rule to a chain that is there already (the chain says which packets), and gives every
// packet back after its delay. The kernel lets packets pass as soon as nobody listens (bypass) or the queue is full (fail
// open): what dies with this process is the delay, not the network.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/florianl/go-nfqueue/v2"
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"
)

const (
	// Packets that wait at most; more pass without delay. 10,000 packets a second at 1.6 s.
	maxWaiting = 16384
	// The socket's buffer: a burst of maxWaiting messages of some 250 bytes.
	readBufferBytes = 4 << 20
	// How long the last packets may take to be given back when the process is asked to end.
	drainTimeout = 2 * time.Second
	// Well before all usual work.
	niceness = -15
	// NFQ_FLAG_BYPASS of xt_NFQUEUE.
	bypassFlag = 1
)

type settings struct {
	queue  uint16
	delay  time.Duration
	jitter time.Duration
	table  string
	chain  string
	probe  bool
}

// heldPacket is in the kernel; what is here is its number and when it may go on.
type heldPacket struct {
	id        uint32
	releaseAt time.Time
}

func main() {
	settings, err := parse(os.Args[1:])
	if err == nil {
		err = endWithParent()
	}
	if err == nil {
		err = goFirst()
	}
	if err == nil {
		err = hold(settings)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func parse(args []string) (settings, error) {
	flags := flag.NewFlagSet("packet-delay", flag.ContinueOnError)
	queue := flags.Uint("queue", 0, "number of the NFQUEUE, 1 to 65535; no other program may have it in this namespace")
	delay := flags.Duration("delay", 0, "how long each packet waits, > 0, at most 10s")
	jitter := flags.Duration("jitter", 0, "uniform, plus or minus; less than the delay. Packets keep their order")
	table := flags.String("table", "", "nft table of family inet that is there already")
	chain := flags.String("chain", "", "chain of that table to which the rule is appended")
	probe := flags.Bool("probe", false, "make a table of its own, try everything once, remove it, and print 'ready'")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if *queue < 1 || *queue > 65535 {
		return settings{}, fmt.Errorf("Cannot hold packets: --queue must be 1 to 65535, is %d", *queue)
	}
	if *delay <= 0 || *delay > 10*time.Second {
		return settings{}, fmt.Errorf("Cannot hold packets: --delay must be > 0 and at most 10s, is %s", *delay)
	}
	if *jitter < 0 || *jitter >= *delay {
		return settings{}, fmt.Errorf("Cannot hold packets: --jitter must be >= 0 and less than --delay %s, is %s", *delay, *jitter)
	}
	if !*probe && (*table == "" || *chain == "") {
		return settings{}, errors.New("Cannot hold packets: --table and --chain say which, one is missing")
	}
	return settings{uint16(*queue), *delay, *jitter, *table, *chain, *probe}, nil
}

// endWithParent has the kernel end this process when the one that started it dies.
func endWithParent() error {
	parent := os.Getppid()
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0); err != nil {
		return fmt.Errorf("Cannot be told of the parent's death: %w", err)
	}
	if os.Getppid() != parent {
		return errors.New("Cannot hold packets: the parent has died already")
	}
	return nil
}

// goFirst puts every thread before those of the target: on a busy node a delay that comes too late is longer than asked.
// Threads that come later have it from those that are there.
func goFirst() error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("Cannot list the threads: %w", err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return fmt.Errorf("Cannot read the threads: %w", err)
		}
		// One that has ended in the meantime needs no priority.
		if err := unix.Setpriority(unix.PRIO_PROCESS, id, niceness); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("Cannot raise the priority of thread %d: %w", id, err)
		}
	}
	return nil
}

func hold(s settings) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	queue, err := nfqueue.Open(&nfqueue.Config{
		NfQueue:      s.queue,
		MaxQueueLen:  maxWaiting,
		Copymode:     nfqueue.NfQnlCopyMeta,
		Flags:        nfqueue.NfQaCfgFlagFailOpen | nfqueue.NfQaCfgFlagGSO,
		WriteTimeout: time.Second,
	})
	if err != nil {
		return fmt.Errorf("Cannot open NFQUEUE %d: %w", s.queue, err)
	}
	defer queue.Close()
	if err := queue.Con.SetReadBuffer(readBufferBytes); err != nil {
		return fmt.Errorf("Cannot give NFQUEUE %d a buffer of %d bytes: %w", s.queue, readBufferBytes, err)
	}

	held := make(chan heldPacket, 2*maxWaiting)
	var waiting atomic.Int64
	go release(ctx, queue, held, &waiting)

	last := time.Time{}
	arrived := func(packet nfqueue.Attribute) int {
		at := time.Now().Add(s.wait())
		// In order, as a line of some length would deliver them: none overtakes the one before.
		if at.Before(last) {
			at = last
		}
		last = at
		waiting.Add(1)
		held <- heldPacket{*packet.PacketID, at}
		return 0
	}
	failed := func(err error) int {
		if ctx.Err() != nil {
			return 1
		}
		// The kernel has let pass what found no room; the rest goes on.
		fmt.Fprintf(os.Stderr, "Cannot read from NFQUEUE %d: %v\n", s.queue, err)
		return 0
	}
	// Its own context: when this process is asked to end, packets that are on their way are still answered.
	reading, stopReading := context.WithCancel(context.Background())
	defer stopReading()
	if err := queue.RegisterWithErrorFunc(reading, arrived, failed); err != nil {
		return fmt.Errorf("Cannot bind NFQUEUE %d: %w", s.queue, err)
	}

	remove, err := install(s)
	if err != nil {
		return err
	}
	if !s.probe {
		fmt.Println("ready")
		<-ctx.Done()
	}
	err = remove()
	stop()
	for until := time.Now().Add(drainTimeout); waiting.Load() > 0 && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	if s.probe && err == nil {
		fmt.Println("ready")
	}
	return err
}

func (s settings) wait() time.Duration {
	if s.jitter == 0 {
		return s.delay
	}
	return s.delay + time.Duration((2*rand.Float64()-1)*float64(s.jitter))
}

// release gives packets back when their time has come, all at once when the process is asked to end.
func release(ctx context.Context, queue *nfqueue.Nfqueue, held <-chan heldPacket, waiting *atomic.Int64) {
	for packet := range held {
		if wait := time.Until(packet.releaseAt); wait > 0 && ctx.Err() == nil {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
			}
		}
		if err := queue.SetVerdict(packet.id, nfqueue.NfAccept); err != nil {
			fmt.Fprintf(os.Stderr, "Cannot give packet %d back: %v\n", packet.id, err)
		}
		waiting.Add(-1)
	}
}

// install makes the kernel hand packets over, and returns what ends that.
//
// The rule is written over netlink because the target is one of iptables: nft has no word for it, and iptables would put
// it into a table that belongs to everybody.
func install(s settings) (func() error, error) {
	connection, err := nftables.New()
	if err != nil {
		return nil, fmt.Errorf("Cannot speak to nftables: %w", err)
	}
	table := &nftables.Table{Family: nftables.TableFamilyINet, Name: s.table}
	chain := &nftables.Chain{Name: s.chain, Table: table}
	if s.probe {
		table.Name = fmt.Sprintf("divergence_probe_%d", os.Getpid())
		chain.Name = "probe"
		connection.AddTable(table)
		connection.AddChain(chain)
	}
	connection.AddRule(&nftables.Rule{
		Table: table,
		Chain: chain,
		Exprs: []expr.Any{
			&expr.Counter{},
			&expr.Target{Name: "NFQUEUE", Rev: 3, Info: queueTarget(s.queue)},
		},
	})
	if err := connection.Flush(); err != nil {
		return nil, fmt.Errorf("Cannot append the rule of NFQUEUE %d to chain '%s' of table 'inet %s': %w", s.queue, chain.Name, table.Name, err)
	}
	return func() error {
		if s.probe {
			connection.DelTable(table)
		} else {
			connection.FlushChain(chain)
		}
		err := connection.Flush()
		// Whoever started this process may have removed the table before.
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("Cannot remove the rule of NFQUEUE %d: %w", s.queue, err)
		}
		return nil
	}, nil
}

// queueTarget is struct xt_NFQ_info_v3, padded to the kernel's alignment.
func queueTarget(queue uint16) *xt.Unknown {
	info := make(xt.Unknown, 8)
	binary.NativeEndian.PutUint16(info[0:], queue)
	binary.NativeEndian.PutUint16(info[2:], 1)
	binary.NativeEndian.PutUint16(info[4:], bypassFlag)
	return &info
}
