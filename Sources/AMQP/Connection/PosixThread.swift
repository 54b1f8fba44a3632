internal import CRabbitMQ
internal import Glibc

/// A dedicated thread for blocking calls, which must not occupy a thread of Swift's cooperative pool.
enum PosixThread {
    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// 64 MiB. librabbitmq decodes nested tables by recursion, and a frame of 128 KiB can nest 26,000 of them. The
    /// kernel only commits the pages that are touched.
    private static let stackSize = 64 << 20

    /// Starts `body` on a detached thread. The kernel keeps 15 bytes of the name. Returns false if the process cannot
    /// start another thread.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        let argument = Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackSize)
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                crabbitmq_name_thread(start.name)
                start.body()
                return nil
            }, argument.toOpaque())
        guard status == 0 else {
            argument.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}

/// Wakes a thread that waits in `poll`, by an eventfd.
final class Wakeup: Sendable {
    let descriptor: Int32

    init() {
        descriptor = crabbitmq_eventfd()
        precondition(descriptor >= 0, "no eventfd: the process is out of file descriptors")
    }

    deinit { close(descriptor) }

    /// Never blocks. `write` fails with EAGAIN if the counter is full, and then the thread is about to wake anyway.
    func signal() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    func clear() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
