import Bulletins
import NIOCore
import Runtime
import Synchronization

/// The `Date` line that ends the head of an answer, formatted once per second.
final class DateHeader: Sendable {
    private let clock: WallClock
    private let last = Mutex<(second: Int64, line: ByteBuffer)>((.min, ByteBuffer()))

    init(clock: WallClock) { self.clock = clock }

    var line: ByteBuffer {
        let now = clock.now
        return last.withLock { last in
            if last.second != now.seconds {
                last = (now.seconds, ByteBuffer(string: "Date: \(now.httpDate)\r\n\r\n"))
            }
            return last.line
        }
    }
}
