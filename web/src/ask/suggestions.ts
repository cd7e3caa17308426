/** What people ask most; the planner of the server understands each as it stands. */
export const SUGGESTIONS = [
  "When should I pit?",
  "Which tyre?",
  "Pit now or in 3 laps?",
  "What if there is a safety car?",
  "Who can undercut me?",
  "Where do I come out?",
  "Where will I finish?",
  "Why?",
] as const;
