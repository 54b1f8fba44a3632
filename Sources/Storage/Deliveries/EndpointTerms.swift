package import Bulletins

/// The part of a subscription and its endpoint that a channel reads when it composes a message.
///
/// A push of the hub is of a feed and not of a subscription, so it has the terms of none.
package struct EndpointTerms: Sendable {
    package let subscription: Int64
    /// The subscription's region and field, which tell the receiver why the bulletin came.
    package let region: Region
    package let field: FieldFilter
    package let language: String
    package var frequency = Frequency.immediate
    /// The form in which a webhook gets the bulletin.
    package var payload = PayloadForm.full
    /// The keys that sign a webhook's post; nil on channels that sign nothing.
    package var signing: WebhookSigning?
    /// Ends the subscription, or all digests of the endpoint if this is one. Empty on channels without such a link.
    package var unsubscribeToken: [UInt8] = []

    package init(
        subscription: Int64 = 0, region: Region = .country, field: FieldFilter = .any, language: String = "id"
    ) {
        (self.subscription, self.region, self.field, self.language) = (subscription, region, field, language)
    }
}
