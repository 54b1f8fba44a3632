import Glibc

/// How long one transaction kept all other writers waiting, those of other processes too.
///
/// An emergency waits for whatever transaction is under way, so none may take long, however much the store holds
/// (test_writer_holds.py).
package struct WriterHold: Sendable {
    /// The store's function that wrote.
    package let name: String
    /// By the clock, syncs included.
    package let duration: Duration
    /// CPU time of the thread, which does not grow because other programs want the cores too.
    package let cpu: Duration

    /// When a transaction began, by both clocks.
    struct Begin {
        let time = ContinuousClock.now
        let cpu = Begin.threadTime

        /// CPU time that this thread has taken.
        static var threadTime: Duration {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }
    }

    /// A transaction that ends now, on the thread on which it began.
    init(by name: StaticString, since begin: Begin) {
        self.name = "\(name)"
        duration = begin.time.duration(to: .now)
        cpu = Begin.threadTime - begin.cpu
    }
}
