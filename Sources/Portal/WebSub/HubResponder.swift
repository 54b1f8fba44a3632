import Bulletins
import HTTPPost
import HTTPTypes
import Hummingbird
import NIOCore
import Storage

/// Answers what is posted to the hub (WebSub, section 5). A request that it takes is in the store before the answer.
struct HubResponder: Sendable {
    let store: any HubStore
    let feeds: FeedResponder
    let settings: PortalSettings
    let hints: Hints
    let clock: WallClock

    /// The longest form that is read, in bytes.
    private static let longestForm = 16_384

    func answer(_ request: Request, _ context: PortalContext) async throws -> Response {
        do {
            try await take(
                try await form(request), from: context.network(request, trustedProxies: settings.trustedProxies))
            return Self.text(.accepted, "The callback will be asked whether it wants this.\n")
        } catch let fault as HubFault {
            var response = Self.text(fault.status, fault.reason + "\n")
            if fault.kind == .tooMany { response.headers[.retryAfter] = "60" }
            return response
        }
    }

    private func form(_ request: Request) async throws -> HubForm {
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        guard type == "application/x-www-form-urlencoded", request.headers[.contentEncoding] == nil else {
            throw HubFault(.unsupportedType, "the request must be a plain application/x-www-form-urlencoded form")
        }
        do {
            return try HubForm(try await request.body.collect(upTo: Self.longestForm).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw HubFault(.tooLarge, "the form must be \(Self.longestForm) bytes at most")
        }
    }

    private func take(_ form: HubForm, from network: String) async throws {
        let request = try HubRequest(form: form, publicURL: settings.publicURL)
        // Who leaves may leave a feed that is gone.
        if request.mode == .subscribe, !(try await isThere(request.topic)) {
            throw HubFault(.unknownTopic, HubRequest.unknownTopic)
        }
        switch try await store.ask(request, from: network, limits: settings.hubLimits, now: clock.now) {
        case .accepted: hints.hub.signal()
        case .unknownTopic: throw HubFault(.unknownTopic, HubRequest.unknownTopic)
        case .tooMany:
            throw HubFault(
                .tooMany, "too many requests wait, or this network or this callback's owner has too many subscriptions")
        }
    }

    private func isThere(_ topic: HubTopic) async throws(StoreError) -> Bool {
        guard let address = FeedAddress(ownPath: topic.path) else { return false }
        return try await feeds.feed(address) != nil
    }

    private static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

extension HubFault {
    fileprivate var status: HTTPResponse.Status {
        switch kind {
        case .malformed: .badRequest
        case .tooLarge: .contentTooLarge
        case .unsupportedType: .unsupportedMediaType
        case .unknownTopic: .notFound
        case .tooMany: .tooManyRequests
        }
    }
}
