/** Template of a Job before helm deletes anything, where `farewell` of the values has its labels: they say how it fares. */
export const FAREWELL = `{{- with .Values.farewell }}
apiVersion: batch/v1
kind: Job
metadata:
  name: farewell
  annotations: { helm.sh/hook: pre-delete, helm.sh/hook-delete-policy: before-hook-creation }
spec:
  backoffLimit: 0
  template:
    metadata: { labels: {{ toJson . }} }
    spec:
      restartPolicy: Never
      containers: [{ name: main, image: registry.example.com/farewell:1 }]
{{- end }}
`;
