import Foundation
import Glibc

/// A place where a test may end the process.
///
/// `KENTONGAN_FAILPOINT=reading:TEXT` ends it when a body that contains TEXT is read, and `recording:TEXT` when such a
/// body was read and is about to be recorded. It works in debug builds only; nothing of it remains in release builds.
struct Failpoint: Sendable {
    private let text: [UInt8]?

    #if DEBUG
        static let reading = Failpoint("reading")
        static let recording = Failpoint("recording")

        private init(_ name: String) {
            let setting = ProcessInfo.processInfo.environment["KENTONGAN_FAILPOINT"] ?? ""
            text = setting.hasPrefix(name + ":") ? Array(setting.utf8.dropFirst(name.utf8.count + 1)) : nil
        }

        func hit(_ body: [UInt8]) {
            if let text, body.contains(text) { kill(getpid(), SIGKILL) }
        }
    #else
        static let reading = Failpoint(text: nil)
        static let recording = Failpoint(text: nil)

        @inline(__always) func hit(_ body: [UInt8]) {}
    #endif
}
