import Glibc

/// The time for which one transaction kept all other writers waiting, in this process and others.
///
/// An emergency waits for the transaction under way, so none may take long, however much the store holds
/// (test_writer_holds.py).
package struct WriterHold: Sendable {
    /// The name of the store's function that wrote; those of several that shared a commit.
    package let name: String
    /// The time from the first request for the writer to the begin of the transaction: the wait for other writers.
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
    init(by name: String, since begin: Begin, waited: Duration = .zero) {
        self.name = name
        self.waited = waited
        duration = begin.time.duration(to: .now)
        cpu = Begin.threadTime - begin.cpu
    }

    /// A commit of these jobs.
    init(by jobs: [CommitQueue.Job], since begin: Begin) {
        let waited = jobs.map { $0.asked.duration(to: begin.time) }.max() ?? .zero
        self.init(
            by: jobs.map { "\($0.name)" }.joined(separator: "+"), since: begin, waited: max(.zero, waited))
    }
}
