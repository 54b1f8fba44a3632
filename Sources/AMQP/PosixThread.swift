internal import CRabbitMQ
internal import Glibc

/// A thread of its own for calls that block, so that none of them holds up the cooperative pool.
enum PosixThread {
    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// librabbitmq reads tables by recursion, and a frame of 128 KiB has room for 26,000 in each other. Only what is
    /// used of it is memory.
    private static let stackSize = 64 << 20

    /// Starts `body` on a thread with this name, of which the kernel keeps 15 bytes. Returns false
    /// if the process may have no more threads.
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
