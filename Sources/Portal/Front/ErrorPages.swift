import Hummingbird
import Logging
import Storage

/// Turns errors into answers that reveal no internals: problem details (RFC 9457) for programs, pages for people.
struct ErrorPages: RouterMiddleware {
    typealias Context = PortalContext
    let logger: Logger

    @concurrent
    func handle(
        _ request: Request, context: PortalContext,
        next: @concurrent (Request, PortalContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            return problem(error.status, error.body ?? error.status.reasonPhrase, request)
        } catch let error as StoreError {
            logger.error(
                "a request could not be answered: \(error)", metadata: ["below": "\(Self.area(request.uri.path))"])
            var response = problem(.serviceUnavailable, "The store cannot be read at present.", request)
            response.headers[.retryAfter] = "5"
            return response
        }
    }

    /// The first part of a path, which is all that a log may contain, since later parts may be tokens.
    static func area(_ path: String) -> String { "/" + (path.split(separator: "/").first ?? "") }

    /// The paths to which people follow links, whatever their program says that it accepts.
    private static let pages: Set = ["/unsubscribe", "/bulletins"]

    /// Whether a person reads the answer, judged by the path and by the `Accept` header.
    static func isForPerson(path: String, accept: String?) -> Bool {
        pages.contains(area(path)) || accept?.lowercased().contains("text/html") == true
    }

    private func problem(_ status: HTTPResponse.Status, _ detail: String, _ request: Request) -> Response {
        if Self.isForPerson(path: request.uri.path, accept: request.headers[.accept]) {
            return Pages.fault(status, detail)
        }
        let text = #"{"title":"\#(status.reasonPhrase)","status":\#(status.code),"detail":"\#(detail)"}"#
        return Response(
            status: status, headers: [.contentType: "application/problem+json", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
