import type { AlertKind, Command, CommandKind, DeviceState, NotificationState } from "../contract";

/** The console's French words. English stands beside it in en.ts with the same keys. */
export const fr = {
  locale: "fr-FR",
  app: "Gyrophare",
  kind: { sos: "SOS", fall: "CHUTE", stillness: "SANS MOUVEMENT", technical: "ALERTE TECHNIQUE" } as Record<AlertKind, string>,
  stillButHeard: "IMMOBILE",
  silentSince: "SANS NOUVELLES",
  state: {
    moving: "En mouvement",
    still: "Immobile",
    silent: "Silencieux",
    unknown: "Inconnu",
    paused: "En pause",
    alarm: "ALERTE",
  } as Record<DeviceState, string>,
  off: "Hors service",
  van: "Fourgon",
  unknown: "inconnu",

  // Ages and instants
  now: "à l’instant",
  ago: (span: string) => `il y a ${span}`,
  seconds: (n: number) => `${n} s`,
  minutes: (n: number) => `${n} min`,
  hours: (h: number, m: string) => `${h} h ${m}`,
  days: (n: number) => `${n} j`,
  dateTime: (day: string, time: string) => `${day} à ${time}`,

  // Top bar
  clock: "Heure de Paris",
  live: "En direct",
  connecting: "Connexion…",
  lost: "Liaison perdue",
  untreated: "sans réponse",
  inCharge: "en cours",
  onShift: "en service",
  notProtected: "sans nouvelles",
  theme: "Thème clair ou sombre",
  help: "Aide",
  showTable: "Tableau",
  showMap: "Carte",
  testSound: "Tester le son",
  mute: "Muet 60 s",
  unmute: "Remettre le son",

  // Banners
  lostSince: (time: string, span: string) => `LIAISON PERDUE depuis ${time} (${span})`,
  lostHint: "L’écran n’est plus à jour. Suivez les SMS et le téléphone d’astreinte. Reconnexion automatique en cours.",
  engineStopped: "MOTEUR D’ALERTE ARRÊTÉ",
  engineHint: "Les agents ne sont plus surveillés. Appelez-les et prévenez l’administrateur.",
  audioBlocked: "Le navigateur bloque le son : aucune alarme ne sera entendue.",
  activateSound: "Activer le son",
  noAudio: "Ce navigateur ne peut pas produire de son. Gardez l’écran sous les yeux.",

  // Queue
  queue: "Alertes",
  queueEmpty: "Aucune alerte en cours",
  queueEmptyHint: "La surveillance est active.",
  queueEmptyThen: "Aucune alerte au dernier état connu",
  queueWaiting: "En attente du serveur",
  queueHeld: (n: number) => (n === 1 ? "1 nouvelle alerte ajoutée en bas" : `${n} nouvelles alertes ajoutées en bas`),
  sinceMovement: "Dernier mouvement",
  sinceSos: "Appui SOS",
  sinceFall: "Chute",
  sinceTechnical: "Depuis",
  acknowledgedBy: (who: string) => `Prise en charge par ${who}`,
  someone: "un collègue",
  closed: "Clôturée",
  acknowledge: "Prendre en charge",
  acknowledging: "Envoi…",
  retry: "Réessayer",
  late: (span: string) => `Reçue avec ${span} de retard`,
  reception: "Réception",
  lateBy: (span: string) => `${span} de retard`,
  newAlert: (kind: string, agent: string) => `Nouvelle alerte ${kind} : ${agent}`,
  acknowledgedNews: (ref: string, who: string) => `Alerte ${ref} prise en charge par ${who}`,

  // Errors of the acknowledgement
  notTaken: "L’alerte n’est PAS prise en charge.",
  already: (who: string) => `Déjà prise en charge par ${who}.`,
  noAnswer: "Le serveur ne répond pas.",
  session: "La session a expiré. Reconnectez-vous.",
  refused: (status: number) => `Le serveur a refusé la demande (code ${status}).`,
  expected: (text: string) => `Attendu : ${text}`,

  // Sheet
  sheet: "Fiche de l’alerte",
  close: "Fermer",
  mission: "Mission",
  deadline: "Échéance dépassée",
  raised: "Alerte déclenchée",
  acknowledgedAt: "Prise en charge",
  lastHeard: "Dernières nouvelles",
  battery: "Batterie",
  speed: "Vitesse",
  place: "Position",
  accuracy: (metres: string) => `à ${metres}\u00a0m près`,
  accuracyUnknown: "précision inconnue",
  west: "O",
  noPosition: "Position inconnue",
  fixedAt: "Position relevée",
  dueAt: "Échéance",
  centre: "Centrer la carte",
  heardYes: "La montre répond, l’agent ne bouge pas.",
  heardNo: "Aucune nouvelle depuis le dernier mouvement.",
  messages: "SMS et relais",
  noMessages: "Aucun message prévu",
  channel: { sms: "SMS", console: "Console", watch: "Montre", email: "E-mail", webhook: "Relais" } as Record<string, string>,
  notification: {
    pending: "En attente",
    sending: "Envoi en cours",
    sent: "Envoyé",
    ambiguous: "Sans réponse claire, vérification",
    failed: "ÉCHEC",
    cancelled: "Annulé",
  } as Record<NotificationState, string>,
  attempts: (n: number) => `${n} essais`,
  reached: "reçu par la montre à",

  // Two ways with a watch
  watch: "Montre",
  write: (agent: string) => `Écrire à la montre de ${agent}`,
  withAnswers: "Boutons de réponse Oui\u00a0/\u00a0Non",
  yes: "Oui",
  no: "Non",
  send: "Envoyer",
  locate: "Localiser maintenant",
  hearsNothing: "Cette montre ne reçoit pas de message. Appelez l’agent par téléphone.",
  notWritten: "Rien n’est parti vers la montre.",
  command: {
    prealarm: "Pré-alarme",
    prealarm_cancel: "Fin de la pré-alarme",
    checkin: "Contrôle « Ça va ? »",
    message: "Message",
    locate: "Demande de position",
  } as Record<CommandKind, string>,
  commandState: (one: Command): string => {
    switch (one.state) {
      case "pending":
        return "En attente depuis";
      case "sending":
        return "Envoi en cours depuis";
      case "sent":
        return "Envoyé, pas encore reçu";
      case "delivered":
        return "Reçu par la montre à";
      case "answered":
        return `Répondu : ${one.answer ?? ""}, à`;
      case "expired":
        return one.sent_at ? "Expiré, NON REÇU. Envoyé à" : "Expiré, JAMAIS ENVOYÉ. Écrit à";
      default:
        return "ÉCHEC de l’envoi. Écrit à";
    }
  },
  replies: "Réponses des agents",
  replyNews: (agent: string, answer: string) => `${agent} répond : ${answer}`,
  open: "Ouvrir",

  // Map and table
  map: "Carte des agents",
  mapLoading: "Chargement de la carte…",
  mapMissing: "La carte ne peut pas s’afficher sur ce poste (WebGL absent). Le tableau donne les mêmes informations, en direct.",
  frozenAt: (time: string) => `Positions figées à ${time}`,
  zoomIn: "Rapprocher",
  zoomOut: "Éloigner",
  wholeDepartment: "Tout le département",
  outOfView: (n: number) => (n === 1 ? "1 alerte hors de la vue" : `${n} alertes hors de la vue`),
  credit: "IGN et INSEE (Licence Ouverte), GeoNames (CC BY), Natural Earth. Routes et rivières schématiques.",
  legend: "Légende",
  table: "Tableau des agents",
  filter: "Filtrer par nom ou mission",
  shownOf: (shown: number, all: number) => `${shown} sur ${all}`,
  agent: "Agent",
  stateColumn: "État",
  lastEvidence: "Dernier mouvement",

  // Shifts
  newShift: "Prise de service",
  profile: "Profil",
  profileNames: {
    mowing: "Fauchage",
    snow_clearing: "Déneigement",
    patrol: "Patrouille",
    chainsaw: "Tronçonneuse, talus",
    office: "Bureau",
    pna11: "PNA-11",
  } as Record<string, string>,
  usualProfile: "Profil habituel",
  plannedEnd: "Fin prévue",
  plannedEndHint: "La protection continue jusqu’à ce que quelqu’un la termine.",
  startShift: "Commencer",
  shiftBegun: "Le service a commencé.",
  nobodyReachable: "Personne n’est joignable : aucune console ouverte, aucun contact par SMS.",
  pauseShift: "Pause",
  resumeShift: "Reprendre",
  endShift: "Terminer",
  endShiftSure: "Confirmer la fin",
  pausedSince: "En pause",

  // Help
  helpTitle: "Raccourcis clavier",
  shortcutsOn: "Raccourcis clavier actifs",
  keys: [
    ["↑ ↓", "parcourir les alertes"],
    ["Entrée", "ouvrir la fiche"],
    ["A", "prendre en charge l’alerte choisie"],
    ["C", "centrer la carte sur l’alerte choisie"],
    ["M", "carte ou tableau"],
    ["P", "nouvelle prise de service"],
    ["Échap", "fermer"],
    ["?", "cette aide"],
  ] as [string, string][],
};

export type Words = typeof fr;
