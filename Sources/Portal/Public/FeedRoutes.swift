import Bulletins
import Feeds
import HTTPTypes
import Hummingbird
import Observability
import Storage

/// The routes of feeds and alert documents.
struct FeedRoutes: Sendable {
    let feeds: FeedResponder
    let alerts: AlertDocuments
    let fetches: FetchLog
    let metrics: FeedMetrics

    func add(to router: Router<PortalContext>) {
        router.get("/feeds/**") { request, _ in try await counted { try await feed(request) } }
        router.get("/bulletins/:publisher/:id/:document") { request, context in try await alert(request, context) }
        for path in ["/feeds/**", "/bulletins/:publisher/:id/:document"] as [RouterPath] {
            router.on(path, method: .options) { _, _ in Response(status: .noContent, headers: FeedHeaders.preflight) }
        }
    }

    private func counted(_ answer: () async throws -> Response) async throws -> Response {
        do {
            let response = try await answer()
            metrics.answered(response.status.code)
            return response
        } catch {
            metrics.answered((error as? HTTPError)?.status.code ?? HTTPResponse.Status.serviceUnavailable.code)
            throw error
        }
    }

    private func feed(_ request: Request) async throws -> Response {
        let path = String(request.uri.path.dropFirst("/feeds/".count))
        guard let address = FeedAddress(path: path), let feed = try await feeds.feed(address, onFetch: fetches.note)
        else {
            throw HTTPError(.notFound, message: "There is no such feed.")
        }
        return Self.response(to: request, feed)
    }

    /// Answers `/bulletins/PUBLISHER/ID/REVISION.cap`.
    private func alert(_ request: Request, _ context: PortalContext) async throws -> Response {
        let id = BulletinID(
            publisher: try context.parameters.require("publisher"), id: try context.parameters.require("id"))
        let document = try context.parameters.require("document")
        guard document.hasSuffix(".cap"), let revision = Int64(document.dropLast(".cap".count)),
            "\(revision).cap" == document, let alert = try await alerts.alert(id, revision: revision)
        else { throw HTTPError(.notFound, message: "There is no such alert, or another one has taken its place.") }
        return Self.response(to: request, alert)
    }

    /// The answer to a conditional request: the feed, or 304 if the client has it already.
    static func response(to request: Request, _ feed: RenderedFeed) -> Response {
        let (form, isKnown) = feed.answer(to: request.headers)
        guard !isKnown else { return Response(status: .notModified, headers: form.headersIfKnown) }
        return Response(status: .ok, headers: form.headers, body: ResponseBody(byteBuffer: form.body))
    }
}
