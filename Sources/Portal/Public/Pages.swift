import Bulletins
import Crypto
import Feeds
import Foundation
import HTTPTypes
import Hummingbird
import Markup
import Runtime
import Storage

/// The pages for people. No page runs a script or loads anything from another host.
struct Pages: Sendable {
    let store: any (FeedStore & SubscriberStore)
    let registries: Registries
    let clock: WallClock
    let renderers: RenderPool

    /// Renders the page of a bulletin. A proposal shows the state that its last answer gave it.
    func bulletin(_ context: PortalContext) async throws -> Response {
        let id = BulletinID(
            publisher: try context.parameters.require("publisher"), id: try context.parameters.require("id"))
        guard let stored = try await store.publicBulletin(id) else {
            throw HTTPError(.notFound, message: "There is no such bulletin.")
        }
        var bulletin = try stored.bulletin()
        if bulletin.kind == .proposal, let answer = try await store.answer(to: id) {
            bulletin.proposal?.state = answer.state
            bulletin.proposal?.stage = answer.stage
        }
        let shown = bulletin
        guard let content = await renderers.run({ BulletinHTML.content(shown, registries: registries) }) else {
            throw StoreError.cancelled
        }
        let state =
            bulletin.status == .withdrawn ? "Ditarik · Withdrawn" : stored.revision > 1 ? "Ralat · Corrected" : ""
        return page(
            bulletin.title,
            """
            <p class="kicker">\(Escaping.markup(stored.id.publisher)) \(state)</p>
            <h1>\(Escaping.markup(bulletin.title))</h1>
            \(content)
            """)
    }

    /// Asks for confirmation. A GET never unsubscribes, since mail programs follow links by themselves (RFC 8058,
    /// section 2).
    func askToUnsubscribe(_ context: PortalContext) async throws -> Response {
        let hash = try tokenHash(context)
        guard try await store.hasUnsubscribeToken(hash: hash) else { throw Self.unknownToken }
        return page(
            "Berhenti berlangganan",
            """
            <h1>Berhenti berlangganan? · Unsubscribe?</h1>
            <form method="post">
            <p><label><input type="radio" name="scope" value="mail" checked> Semua langganan yang mengirim surel ini · Every subscription that brings this mail</label></p>
            <p><label><input type="radio" name="scope" value="one"> Hanya langganan yang disebut di surel ini · Only the subscription that this mail names</label></p>
            <p><label><input type="radio" name="scope" value="all"> Semua langganan alamat ini · Every subscription of this address</label></p>
            <button type="submit">Ya, berhenti · Yes, unsubscribe</button></form>
            """)
    }

    /// Ends the subscriptions that the form chose.
    func unsubscribe(_ request: Request, _ context: PortalContext) async throws -> Response {
        let hash = try tokenHash(context)
        let scope = Self.scope(
            form: (try? await request.body.collect(upTo: Self.longestForm)).map { String(buffer: $0) } ?? "",
            bulletin: request.uri.queryParameters["b"].flatMap { Int64($0) })
        guard try await store.unsubscribe(tokenHash: hash, scope: scope, now: clock.now) else {
            throw Self.unknownToken
        }
        return page("Langganan dihentikan", "<h1>Langganan dihentikan · You are unsubscribed</h1>")
    }

    private static let longestForm = 4096

    /// The scope that a form asks for. A mail program posts none (RFC 8058, section 3.2); it means every subscription
    /// that brought the mail.
    static func scope(form: String, bulletin: Int64?) -> UnsubscribeScope {
        let chosen = form.split(separator: "&").last { $0.hasPrefix("scope=") }?.dropFirst(6)
        return switch chosen {
        case "one": .one
        case "all": .all
        default: .mail(bulletin: bulletin)
        }
    }

    private static let unknownToken = HTTPError(
        .notFound, message: "This link is not known. It may have been cut: copy the whole of it from the mail.")

    private func tokenHash(_ context: PortalContext) throws -> [UInt8] {
        guard let token = Token.bytes(try context.parameters.require("token")) else { throw Self.unknownToken }
        return Array(SHA256.hash(data: token))
    }

    private func page(_ title: String, _ content: String) -> Response {
        Self.page(.ok, title, content)
    }

    /// Renders an error page for a person.
    static func fault(_ status: HTTPResponse.Status, _ detail: String) -> Response {
        page(
            status, status.reasonPhrase,
            "<h1>Maaf, halaman ini tidak dapat ditampilkan · Sorry</h1><p>\(Escaping.markup(detail))</p>")
    }

    private static func page(_ status: HTTPResponse.Status, _ title: String, _ content: String) -> Response {
        let html = """
            <!DOCTYPE html>
            <html lang="id"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(Escaping.markup(title))</title><link rel="stylesheet" href="/style.css"></head>
            <body><main>
            \(content)
            </main></body></html>

            """
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    private static var headers: HTTPFields {
        var headers: HTTPFields = [.contentType: "text/html; charset=utf-8", .xContentTypeOptions: "nosniff"]
        headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
            + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
        return headers
    }

    var style: Response {
        let css = """
            body{margin:0;padding:24px 16px;background:#f6f5f1;color:#1d1c1a;font:17px/1.6 system-ui,sans-serif}
            main{max-width:42rem;margin:0 auto;background:#fff;padding:28px;border-radius:8px}
            h1{font-size:1.5rem;line-height:1.3}.kicker{color:#6b675f;margin:0}a{color:#14508c}
            button{font:inherit;padding:10px 18px;border:0;border-radius:6px;background:#14508c;color:#fff}
            @media (prefers-color-scheme:dark){body{background:#161513;color:#eceae4}main{background:#211f1c}
            .kicker{color:#a8a398}a{color:#8fc1f2}}
            """
        return Response(
            status: .ok, headers: [.contentType: "text/css; charset=utf-8", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: css)))
    }
}
