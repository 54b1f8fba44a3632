package import NIOCore

/// One scheduled task a connection instead of one a request: deadlines nearly always move
/// outwards, so the task is left to fire early, and whoever armed it looks at what time it is.
package struct LazyTimer {
    private var task: Scheduled<Void>?
    private var fires = NIODeadline.distantFuture

    package init() {}

    /// Sees to it that `body` runs at the deadline or before. To be called on the event loop.
    package mutating func arm(
        _ deadline: NIODeadline, on eventLoop: any EventLoop, _ body: @escaping () -> Void
    ) {
        guard task == nil || deadline < fires else { return }
        task?.cancel()
        fires = deadline
        task = eventLoop.assumeIsolated().scheduleTask(deadline: deadline, body)
    }

    /// To be called first by the body.
    package mutating func fired() {
        task = nil
    }

    package mutating func cancel() {
        task?.cancel()
        task = nil
    }
}
