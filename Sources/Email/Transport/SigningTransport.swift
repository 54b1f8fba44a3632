package import DeliveryEngine
package import Runtime

/// Signs mails before another transport sends them. It uses no particular executor, because an RSA signature would
/// take an event loop's time from its connections.
package struct SigningTransport: MailTransport {
    private let signer: DKIMSigner
    private let transport: any MailTransport
    private let clock: WallClock

    package var openConnections: Int { transport.openConnections }

    package init(signer: DKIMSigner, transport: any MailTransport, clock: WallClock) {
        (self.signer, self.transport, self.clock) = (signer, transport, clock)
    }

    package func send(_ mail: OutgoingMail) async -> AttemptOutcome {
        do {
            var signed = mail
            signed.content = try signer.sign(mail.content, now: clock.now)
            return await transport.send(signed)
        } catch {
            // Receivers would take an unsigned mail for a forgery.
            return AttemptOutcome(.unavailable(pause: .seconds(60)), detail: "cannot sign mail: \(error)")
        }
    }
}
