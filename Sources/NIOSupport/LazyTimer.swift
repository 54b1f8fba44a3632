package import NIOCore

/// One scheduled task per connection instead of one per request.
///
/// Deadlines nearly always move later. The timer then keeps its earlier task, and the task checks the deadline when it
/// fires.
package struct LazyTimer {
    private var task: Scheduled<Void>?
    private var fires = NIODeadline.distantFuture

    package init() {}

    /// Ensures that `body` runs at the deadline or before. Call it on the event loop.
    package mutating func arm(
        _ deadline: NIODeadline, on eventLoop: any EventLoop, _ body: @escaping () -> Void
    ) {
        guard task == nil || deadline < fires else { return }
        task?.cancel()
        fires = deadline
        task = eventLoop.assumeIsolated().scheduleTask(deadline: deadline, body)
    }

    /// Notes that the task has run. The body calls it first.
    package mutating func fired() {
        task = nil
    }

    package mutating func cancel() {
        task?.cancel()
        task = nil
    }
}
