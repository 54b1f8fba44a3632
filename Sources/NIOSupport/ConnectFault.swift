internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Why a connection was not made, for people.
package enum ConnectFault {
    /// NIO's errors name a C function and a number: `connect(descriptor:addr:size:): Connection refused (errno: 111)`.
    package static func words(_ error: any Error) -> String {
        switch error {
        // Of several addresses the last one tried.
        case let error as NIOConnectionError:
            guard let last = error.connectionErrors.last?.error else { return "its name has no address" }
            return words(last)
        case let error as IOError: return String(cString: strerror(error.errnoCode))
        default: return "\(error)"
        }
    }
}
