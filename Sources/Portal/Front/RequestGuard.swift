import NIOCore
import NIOHTTP1

/// Lets well-formed requests within their bounds pass, and reports each to `ConnectionGuard`.
final class RequestGuard: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private let connection: ConnectionGuard
    private let limits: ConnectionLimits
    private var contentBytes = 0

    init(connection: ConnectionGuard, limits: ConnectionLimits) {
        (self.connection, self.limits) = (connection, limits)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): take(head, context)
        case .body(let content):
            contentBytes += content.readableBytes
            if connection.takeContent(tooLarge: contentBytes > limits.bodyBytes) { context.fireChannelRead(data) }
        case .end: if connection.endRequest() { context.fireChannelRead(data) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let fault = error as? HTTPParserError {
            let isTooLarge = fault == .headerOverflow
            if connection.refusesFault(isTooLarge ? .requestHeaderFieldsTooLarge : .badRequest) { return }
        }
        context.fireErrorCaught(error)
    }

    private func take(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var head = head
        contentBytes = 0
        let isLast = head.isOld || head.headers.asksForClose
        // The server behind this handler understands only this spelling.
        if isLast { head.headers.replaceOrAdd(name: "connection", value: "close") }
        if connection.beginRequest(fault(of: head), isLast: isLast) {
            context.fireChannelRead(wrapInboundOut(.head(head)))
        }
    }

    private func fault(of head: HTTPRequestHead) -> HTTPResponseStatus? {
        guard head.hasGoodHost else { return .badRequest }
        guard head.size <= limits.headBytes else { return .requestHeaderFieldsTooLarge }
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        return length > limits.bodyBytes ? .payloadTooLarge : nil
    }
}

extension HTTPRequestHead {
    /// Whether the request is HTTP/1.0, in which a connection ends with its answer.
    fileprivate var isOld: Bool { (version.major, version.minor) < (1, 1) }

    /// Whether the request has exactly one `Host`, which HTTP/1.0 may omit (RFC 9112, section 3.2).
    fileprivate var hasGoodHost: Bool {
        let hosts = headers["host"]
        guard let host = hosts.first else { return isOld }
        return hosts.count == 1 && host.utf8.allSatisfy(Self.isOfHost)
    }

    /// Whether a byte may occur in `uri-host [":" port]` (RFC 3986, section 3.2.2).
    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~%!$&'()*+;=:[]".utf8.contains(byte)
        }
    }

    fileprivate var size: Int {
        headers.reduce(uri.utf8.count + 16) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    }
}

extension HTTPHeaders {
    /// Whether `close` is among the options of the connection, which ignore case (RFC 9110, section 7.6.1).
    fileprivate var asksForClose: Bool {
        guard contains(name: "connection") else { return false }
        return self[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
    }
}
