internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import NIOSupport

/// Translates the errors of a channel into errors of a post.
enum HTTPConnectionFault {
    /// The error for the caller. Nil if it says no more than that the connection ended.
    static func error(of error: any Error, _ host: String, _ isOpening: Bool) -> HTTPPostError? {
        if isOpening {
            return .tlsFailed(host: host, reason: TLSFault.words(error))
        }
        switch error {
        case NIOSSLError.uncleanShutdown, is IOError, is ChannelError:
            return nil
        case is NIOSSLError, is BoringSSLError:
            return .tlsFailed(host: host, reason: TLSFault.words(error))
        case HTTPParserError.invalidEOFState:
            return .connectionLost(host: host, stage: .responding)
        case is WireHandler.ResponseTooLong:
            return .badResponse(host: host, reason: "the response is too long")
        default:
            return .badResponse(host: host, reason: "\(error)")
        }
    }

    /// The error of a TCP connection that could not be opened.
    static func connecting(_ error: any Error, _ host: String) -> HTTPPostError {
        switch error {
        case let error as HTTPPostError: error
        case ChannelError.connectTimeout: .timedOut(host: host, stage: .connecting)
        default: .connectFailed(host: host, reason: ConnectFault.words(error))
        }
    }
}
