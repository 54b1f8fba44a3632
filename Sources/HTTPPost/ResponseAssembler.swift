internal import NIOCore
internal import NIOHTTP1

/// Puts a response together from its parts, as much of it as is kept. Pure: no connection.
struct ResponseAssembler {
    enum Step {
        /// The response goes on.
        case more
        /// The response is known; after a `reusable` one the connection can carry another.
        case complete(HTTPPostResponse, reusable: Bool)
        /// The answer is none.
        case broken(reason: String)
    }

    /// Interim responses (RFC 9110 section 15.2) beyond this many are an attack.
    private static let maximumInterim = 16

    private let maximumBytes: Int
    private var response: HTTPPostResponse?
    private var isReusable = false
    private var interim = 0

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// Forgets the last response.
    mutating func reset() {
        response = nil
        interim = 0
    }

    mutating func take(_ part: HTTPClientResponsePart) -> Step {
        switch part {
        case .head(let head): take(head)
        case .body(let bytes): take(bytes)
        case .end: end()
        }
    }

    private mutating func take(_ head: HTTPResponseHead) -> Step {
        let status = Int(head.status.code)
        if (100..<200).contains(status) {
            interim += 1
            guard status != 101, interim <= Self.maximumInterim else {
                return .broken(reason: "interim status \(status) out of place")
            }
            return .more
        }
        guard (200..<600).contains(status) else { return .broken(reason: "status \(status)") }
        response = HTTPPostResponse(
            status: status, retryAfter: head.headers.first(name: "Retry-After"))
        isReusable = head.isKeepAlive
        return .more
    }

    private mutating func take(_ bytes: ByteBuffer) -> Step {
        guard var response else { return .broken(reason: "a body without a head") }
        var bytes = bytes
        let room = maximumBytes - response.body.readableBytes
        guard bytes.readableBytes > room else {
            response.body.writeBuffer(&bytes)
            self.response = response
            return .more
        }
        if var part = bytes.readSlice(length: room) { response.body.writeBuffer(&part) }
        // The rest is of no interest, and reading it to keep the connection could take for ever.
        return .complete(response, reusable: false)
    }

    private func end() -> Step {
        guard let response else { return .more }
        return .complete(response, reusable: isReusable)
    }
}
