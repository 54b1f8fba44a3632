internal import CRabbitMQ
internal import Glibc

/// Wakes a thread that sleeps in `poll`: an eventfd.
final class Wakeup: Sendable {
    let descriptor: Int32

    init() {
        descriptor = crabbitmq_eventfd()
        precondition(descriptor >= 0, "no eventfd: the process is out of file descriptors")
    }

    deinit { close(descriptor) }

    /// Never blocks: a full counter (EAGAIN) means that the thread is being woken anyway.
    func signal() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    func clear() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
