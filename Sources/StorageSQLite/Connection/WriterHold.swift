import Glibc

/// The time for which one transaction kept all other writers waiting, in this process and others.
///
/// An emergency waits for the transaction under way, so none may take long, however much the store holds
/// (test_writer_holds.py).
package struct WriterHold: Sendable {
    /// The name of the store's function that wrote.
    package let name: String
    /// The time from the request for the writer to the begin of the transaction: the wait for other writers.
    package let waited: Duration
    /// Elapsed time, syncs included.
    package let duration: Duration
    /// CPU time of the thread, which does not grow because other programs want the cores too.
    package let cpu: Duration

    /// The beginning of a transaction, by both clocks.
    struct Begin {
        let time = ContinuousClock.now
        let cpu = Begin.threadTime

        /// The CPU time of this thread.
        static var threadTime: Duration {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }
    }

    /// A transaction that ends now, on the thread on which it began.
    init(by name: StaticString, since begin: Begin, asked: ContinuousClock.Instant) {
        self.name = "\(name)"
        waited = asked.duration(to: begin.time)
        duration = begin.time.duration(to: .now)
        cpu = Begin.threadTime - begin.cpu
    }
}
