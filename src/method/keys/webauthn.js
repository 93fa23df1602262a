// What a page needs to talk to security keys and passkeys. The form carries the question, in a hidden field or on a
// button; the functions below hand it to the browser, put the answer into another hidden field and send the form.
;(() => {
  "use strict"

  if (typeof window === "undefined" || window.__oryWebAuthnInitialized) return
  if (!window.PublicKeyCredential) {
    console.log("WebAuthn: this browser cannot use security keys or passkeys.")
    return
  }

  // Binary parts travel as base64url without padding.
  const bytesOf = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"))
    return Uint8Array.from(plain, (sign) => sign.charCodeAt(0))
  }
  const textOf = (buffer) => {
    if (!buffer) return ""
    let plain = ""
    for (const byte of new Uint8Array(buffer)) plain += String.fromCharCode(byte)
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")
  }

  const named = (name) => document.getElementsByName(name)[0]

  // The question with its binary parts as bytes. The original stays, so that it can be asked again.
  const questionOf = (options) => {
    const question = { ...options.publicKey }
    question.challenge = bytesOf(question.challenge)
    if (question.user && question.user.id) {
      question.user = { ...question.user, id: bytesOf(question.user.id) }
    }
    for (const list of ["allowCredentials", "excludeCredentials"]) {
      if (question[list]) {
        question[list] = question[list].map((key) => ({ ...key, id: bytesOf(key.id) }))
      }
    }
    return question
  }

  const envelope = (credential, response) =>
    JSON.stringify({
      id: credential.id,
      rawId: textOf(credential.rawId),
      type: credential.type,
      response,
    })

  const create = async (options) => {
    const credential = await navigator.credentials.create({ publicKey: questionOf(options) })
    const { response } = credential
    const answer = {
      attestationObject: textOf(response.attestationObject),
      clientDataJSON: textOf(response.clientDataJSON),
    }
    if (typeof response.getTransports === "function") {
      answer.transports = response.getTransports()
    }
    return envelope(credential, answer)
  }

  const get = async (options, how = {}) => {
    const credential = await navigator.credentials.get({ publicKey: questionOf(options), ...how })
    const { response } = credential
    return envelope(credential, {
      authenticatorData: textOf(response.authenticatorData),
      clientDataJSON: textOf(response.clientDataJSON),
      signature: textOf(response.signature),
      userHandle: textOf(response.userHandle),
    })
  }

  const send = (field, answer, form = field.closest("form")) => {
    field.value = answer
    // A field of the form may be called "submit".
    HTMLFormElement.prototype.submit.call(form)
  }

  // Security keys. The button has the question as its value, too, for pages that call without arguments.
  const withKey = (act) => async (options, result, trigger) => {
    const button = document.querySelector(trigger)
    try {
      const answer = await act(options || JSON.parse(button.value))
      send(document.querySelector(result), answer, button.closest("form"))
    } catch (error) {
      alert(error)
    }
  }

  const oryWebAuthnLogin = (
    options,
    result = '*[name="webauthn_login"]',
    trigger = '*[name="webauthn_login_trigger"]',
  ) => withKey(get)(options, result, trigger)

  const oryWebAuthnRegistration = (
    options,
    result = '*[name="webauthn_register"]',
    trigger = '*[name="webauthn_register_trigger"]',
  ) => withKey(create)(options, result, trigger)

  // Passkeys that the browser offers while somebody types a name wait in the background; there can be but one request.
  const stopWaiting = () => {
    if (window.abortPasskeyConditionalUI) {
      window.abortPasskeyConditionalUI.abort("Another request for a passkey takes over.")
      window.abortPasskeyConditionalUI = undefined
    }
  }

  const oryPasskeyLoginAutocompleteInit = async () => {
    const [question, answer] = [named("passkey_challenge"), named("passkey_login")]
    if (!question || !answer || !named("identifier")) {
      console.error("Passkeys: the form lacks passkey_challenge, passkey_login or identifier.")
      return
    }
    // Cypress fills in what is offered, which tests do not want.
    const ask = window.PublicKeyCredential.isConditionalMediationAvailable
    if (!ask || window.Cypress || !(await ask.call(window.PublicKeyCredential))) {
      console.log("Passkeys: this browser does not offer them while typing.")
      return
    }
    stopWaiting()
    const abort = new AbortController()
    window.abortPasskeyConditionalUI = abort
    try {
      const how = { mediation: "conditional", signal: abort.signal }
      send(answer, await get(JSON.parse(question.value), how))
    } catch (error) {
      console.log("Passkeys: nothing was chosen while typing.", error)
    }
  }

  const oryPasskeyLogin = async () => {
    const [question, answer] = [named("passkey_challenge"), named("passkey_login")]
    if (!question || !answer) {
      console.error("Passkeys: the form lacks passkey_challenge or passkey_login.")
      return
    }
    stopWaiting()
    try {
      send(answer, await get(JSON.parse(question.value)))
    } catch (error) {
      const hint =
        error instanceof DOMException && error.name === "SecurityError"
          ? "the page's host name does not fit the configured rp.id, or the page is not served by https"
          : "there was no answer"
      console.error(`Passkeys: ${hint}.`, error)
      await oryPasskeyLoginAutocompleteInit()
    }
  }

  const withNewPasskey = async (target, options) => {
    const [data, answer] = [named("passkey_create_data"), named(target)]
    if (!data || !answer) {
      console.debug(`Passkeys: the form lacks passkey_create_data or ${target}.`)
      return
    }
    try {
      send(answer, await create(options(JSON.parse(data.value), data.closest("form"))))
    } catch (error) {
      console.error("Passkeys: none was made.", error)
    }
  }

  // The passkey is called what stands in the first of these fields that is filled in.
  const nameIn = (form, data) => {
    const names = data.displayNameFieldNames || []
    for (const name of names.length > 0 ? names : [data.displayNameFieldName]) {
      const field = name && form.elements.namedItem(name)
      if (field && field.value) return field.value
    }
    return ""
  }

  const oryPasskeyRegistration = () =>
    withNewPasskey("passkey_register", (data, form) => {
      const name = nameIn(form, data)
      const { publicKey } = data.credentialOptions
      return { publicKey: { ...publicKey, user: { ...publicKey.user, name, displayName: name } } }
    })

  const oryPasskeySettingsRegistration = () =>
    withNewPasskey("passkey_settings_register", (options) => options)

  window.oryWebAuthnLogin = oryWebAuthnLogin
  window.oryWebAuthnRegistration = oryWebAuthnRegistration
  window.oryPasskeyLogin = oryPasskeyLogin
  window.oryPasskeyLoginAutocompleteInit = oryPasskeyLoginAutocompleteInit
  window.oryPasskeyRegistration = oryPasskeyRegistration
  window.oryPasskeySettingsRegistration = oryPasskeySettingsRegistration
  // Older user interfaces call them by these names.
  window.__oryWebAuthnLogin = oryWebAuthnLogin
  window.__oryWebAuthnRegistration = oryWebAuthnRegistration
  window.__oryPasskeyLogin = oryPasskeyLogin
  window.__oryPasskeyLoginAutocompleteInit = oryPasskeyLoginAutocompleteInit
  window.__oryPasskeyRegistration = oryPasskeyRegistration
  window.__oryPasskeySettingsRegistration = oryPasskeySettingsRegistration
  window.__oryWebAuthnInitialized = true
  window.dispatchEvent(new CustomEvent("oryWebAuthnInitialized"))
})()
