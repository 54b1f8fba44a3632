import HTTPPost
import HTTPTypes
import Hummingbird
import NIOCore
import WebSub

/// The route of the hub, which reads a form and answers in plain words.
struct HubRoute: Sendable {
    let hub: HubResponder
    let trustedProxies: [AddressNetwork]

    func add(to router: Router<PortalContext>) {
        router.post("/websub") { request, context in try await answer(request, context) }
    }

    private func answer(_ request: Request, _ context: PortalContext) async throws -> Response {
        do {
            try await hub.take(
                form: try await form(request), from: context.network(request, trustedProxies: trustedProxies))
            return Self.text(.accepted, "The callback will be asked whether it wants this.\n")
        } catch let fault as HubFault {
            var response = Self.text(fault.status, fault.reason + "\n")
            if fault.kind == .tooMany { response.headers[.retryAfter] = "60" }
            return response
        }
    }

    private func form(_ request: Request) async throws -> ByteBufferView {
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        guard type == "application/x-www-form-urlencoded", request.headers[.contentEncoding] == nil else {
            throw HubFault(.unsupportedType, "the request must be a plain application/x-www-form-urlencoded form")
        }
        do {
            return try await request.body.collect(upTo: HubResponder.longestForm).readableBytesView
        } catch is NIOTooManyBytesError {
            throw HubFault(.tooLarge, "the form must be \(HubResponder.longestForm) bytes at most")
        }
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
